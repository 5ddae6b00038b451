import type { JWK } from 'jose';

/** `data/sandbox/tpp.json`: all that an outside client needs. Paths are absolute. */
export interface TppDocument {
  readonly issuer: string;
  /** URL of the discovery document. */
  readonly discovery: string;
  /**
   * Base of the APIs, without `/v3`; it asks for a client certificate and does without where none is
   * shown, so that tokens of every kind work there.
   */
  readonly api: string;
  /** PEM of the authority that signed every certificate of the sandbox. */
  readonly ca: string;
  readonly clients: Readonly<Record<SandboxClientName, TppClient>>;
  readonly people: readonly TppPerson[];
  readonly institutions: readonly TppInstitution[];
}

export const sandboxClientNames = [
  'identity-service',
  'identity-service-own-consent',
  'fapi2-security',
  'fapi2-security-dpop',
] as const;

export type SandboxClientName = (typeof sandboxClientNames)[number];

export interface TppClient {
  readonly client_id: string;
  readonly token_endpoint_auth_method: 'client_secret_basic' | 'private_key_jwt';
  readonly client_secret?: string;
  /** Private keys, each with `kid`, `alg` and `use`. */
  readonly jwks: { readonly keys: readonly JWK[] };
  readonly certificate: string;
  readonly key: string;
  readonly redirect_uris: readonly string[];
  /** Space-separated: all that this client may ask for. */
  readonly scope: string;
}

export interface TppPerson {
  /** The institution where this login works. */
  readonly institution: string;
  readonly login: string;
  readonly password: string;
  readonly what: string;
}

export interface TppInstitution {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
}
