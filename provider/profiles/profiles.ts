import type { Client } from 'oidc-provider';

/**
 * What a client is held to, as data (architecture decision 3). Chosen by the client's metadata member
 * `profile`, checked when the client is saved and enforced at the earliest endpoint that can know.
 */
export interface Profile {
  /** What `oidc-provider` enforces by itself for such a client. */
  readonly fapi: '1.0 Final' | '2.0' | undefined;
  readonly responseTypes: readonly string[];
  readonly tokenEndpointAuthMethods: readonly string[];
  /** For client assertions, request objects and ID tokens alike. */
  readonly signingAlgorithms: readonly string[];
  readonly requirePkce: boolean;
  readonly requirePushedRequests: boolean;
  /** Whether every access token must be bound to the sender's certificate, or to that or a DPoP key. */
  readonly requireSenderConstraint: false | 'any' | 'certificate';
  /** Whether it may ask for people who are elsewhere (CIBA), and does so in signed requests only. */
  readonly backchannelAuthentication: boolean;
  readonly httpsRedirectsOnly: boolean;
}

const fapiAlgorithms = ['ES256', 'PS256', 'EdDSA', 'Ed25519'];

export const profiles = {
  /** FAPI 2.0 Security Profile Final; the default of a new client. */
  'fapi2-security': {
    fapi: '2.0',
    responseTypes: ['code'],
    tokenEndpointAuthMethods: ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
    signingAlgorithms: fapiAlgorithms,
    requirePkce: true,
    requirePushedRequests: true,
    requireSenderConstraint: 'any',
    backchannelAuthentication: false,
    httpsRedirectsOnly: true,
  },
  /** FAPI-CIBA Implementer's Draft 1, poll and ping, on FAPI 1.0 Advanced; nothing of it in a browser. */
  'fapi-ciba': {
    fapi: '1.0 Final',
    responseTypes: [],
    tokenEndpointAuthMethods: ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
    signingAlgorithms: ['PS256', 'ES256'],
    requirePkce: true,
    requirePushedRequests: true,
    requireSenderConstraint: 'certificate',
    backchannelAuthentication: true,
    httpsRedirectsOnly: true,
  },
  /** Exactly what the published client of the identity service sends, and nothing looser. */
  'identity-service': {
    fapi: undefined,
    responseTypes: ['code', 'code id_token', 'id_token'],
    tokenEndpointAuthMethods: [
      'client_secret_basic',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
    ],
    signingAlgorithms: [
      ...fapiAlgorithms,
      'RS256',
      'RS384',
      'RS512',
      'PS384',
      'PS512',
      'ES384',
      'ES512',
    ],
    requirePkce: false,
    requirePushedRequests: false,
    requireSenderConstraint: false,
    backchannelAuthentication: false,
    httpsRedirectsOnly: false,
  },
} satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;

export const defaultProfile: ProfileName = 'fapi2-security';

/** The profile of a client, from its metadata member; the strict one where it names none. */
export function profileOf(client: { readonly [member: string]: unknown } | undefined): Profile {
  const name = client?.profile;
  return isProfileName(name) ? profiles[name] : profiles[defaultProfile];
}

/** What a client may sign its request objects, and assertions of its users, with. */
export function requestSigningAlgorithms(client: Client): readonly string[] {
  const { requestObjectSigningAlg: registered } = client;
  return registered === undefined ? profileOf(client).signingAlgorithms : [registered];
}

export function isProfileName(name: unknown): name is ProfileName {
  return typeof name === 'string' && Object.hasOwn(profiles, name);
}
