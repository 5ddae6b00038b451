import { join } from 'node:path';
import type { ClientMetadata } from '../core/clients.js';
import { eventTypes } from '../core/event.js';
import { supportedScopes, unofferedScopes } from '../core/scopes.js';
import type { CertificateAuthority } from './certificate-authority.js';
import { openClientKeys, publicJwk, type SigningAlgorithm } from './client-keys.js';
import { type SandboxClientName, sandboxClientNames, type TppClient } from './tpp-document.js';

interface ClientKind {
  readonly title: string;
  readonly algorithm: SigningAlgorithm;
  readonly method: TppClient['token_endpoint_auth_method'];
  /** How it is told of events. */
  readonly webhooks: 'json' | 'jwt';
  /** What this client's registration adds. */
  readonly metadata: Partial<ClientMetadata>;
}

const identityService: Partial<ClientMetadata> = {
  profile: 'identity-service',
  response_types: ['code', 'code id_token', 'id_token'],
  grant_types: [
    'authorization_code',
    'implicit',
    'refresh_token',
    'client_credentials',
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
  ],
  request_object_signing_alg: 'PS256',
  unsigned_pushed_request_object: true,
};

const fapi2Security: Partial<ClientMetadata> = {
  profile: 'fapi2-security',
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
};

/** One client for each way of being a client. */
export const clientKinds: Readonly<Record<SandboxClientName, ClientKind>> = {
  'identity-service': {
    title: 'Ledgerlight',
    webhooks: 'json',
    algorithm: 'PS256',
    method: 'client_secret_basic',
    metadata: { ...identityService, own_consent_screens: false },
  },
  'identity-service-own-consent': {
    title: 'Ledgerlight Direct',
    webhooks: 'jwt',
    algorithm: 'PS256',
    method: 'private_key_jwt',
    metadata: { ...identityService, own_consent_screens: true },
  },
  'fapi2-security': {
    title: 'Ledgerlight Secure',
    webhooks: 'jwt',
    algorithm: 'ES256',
    method: 'private_key_jwt',
    metadata: { ...fapi2Security, tls_client_certificate_bound_access_tokens: true },
  },
  'fapi2-security-dpop': {
    title: 'Ledgerlight Mobile',
    webhooks: 'json',
    algorithm: 'ES256',
    method: 'private_key_jwt',
    metadata: { ...fapi2Security, dpop_bound_access_tokens: true },
  },
};

export interface SandboxClients {
  /** With private keys, for whoever acts as the client. */
  readonly tpp: Readonly<Record<SandboxClientName, TppClient>>;
  /** With public keys, to be registered at Assent. */
  readonly registrations: readonly ClientMetadata[];
}

export interface SandboxClientsDeps {
  /** Where their keys are kept. */
  readonly directory: string;
  readonly authority: CertificateAuthority;
  /** Where the TPP application is, without a path. */
  readonly tppUrl: string;
  /** Where they are told of events besides. */
  readonly webhooks: readonly URL[];
}

/** The sandbox's clients, their keys and certificates made on the first start. */
export async function openSandboxClients(deps: SandboxClientsDeps): Promise<SandboxClients> {
  const { directory, authority, tppUrl } = deps;
  const scope = [...supportedScopes, ...unofferedScopes].join(' ');
  const entries = await Promise.all(
    sandboxClientNames.map(async (name) => {
      const { title, algorithm, method, metadata, webhooks } = clientKinds[name];
      const { clientId, secret, jwk } = await openClientKeys(
        join(directory, `${name}.json`),
        algorithm,
      );
      const common = {
        client_id: clientId,
        token_endpoint_auth_method: method,
        ...(method === 'client_secret_basic' && { client_secret: secret }),
        redirect_uris: [`${tppUrl}/callback`],
        scope,
      };
      const registration: ClientMetadata = {
        ...common,
        ...metadata,
        client_name: title,
        jwks: { keys: [publicJwk(jwk)] },
        id_token_signed_response_alg: algorithm,
        webhooks: [`${tppUrl}/webhooks/${name}`, ...deps.webhooks.map(({ href }) => href)].map(
          (url) => ({ url, events: [...eventTypes], format: webhooks }),
        ),
      };
      const client: TppClient = {
        ...common,
        jwks: { keys: [jwk] },
        ...(await authority.client(name)),
      };
      return { name, client, registration };
    }),
  );
  const byName = (name: SandboxClientName) => {
    const entry = entries.find((candidate) => candidate.name === name);
    if (!entry) throw new TypeError(`no client ${name}`);
    return entry.client;
  };
  return {
    tpp: {
      'identity-service': byName('identity-service'),
      'identity-service-own-consent': byName('identity-service-own-consent'),
      'fapi2-security': byName('fapi2-security'),
      'fapi2-security-dpop': byName('fapi2-security-dpop'),
    },
    registrations: entries.map(({ registration }) => registration),
  };
}
