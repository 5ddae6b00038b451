import type { Client } from 'oidc-provider';
import { signOnScopes } from '../../core/person-claims.js';
import { type ProfileName, profileNames } from '../../core/profile-names.js';

/**
 * What a client is held to, as data (architecture decision 3). Chosen by the client's metadata member
 * `profile`, checked when the client is saved and enforced at the earliest endpoint that can know.
 */
export interface Profile {
  /** What `oidc-provider` enforces by itself for such a client. */
  readonly fapi: '1.0 Final' | '2.0' | undefined;
  readonly responseTypes: readonly string[];
  /** The `response_modes` of a client that registers none; undefined: whatever is offered. */
  readonly responseModes: readonly string[] | undefined;
  readonly tokenEndpointAuthMethods: readonly string[];
  /** For client assertions, request objects, ID tokens and every other answer that is signed. */
  readonly signingAlgorithms: readonly string[];
  /** RFC 7636: for every code, for those whose request was pushed, or where the client wants it. */
  readonly pkce: 'always' | 'pushed' | 'optional';
  readonly requirePushedRequests: boolean;
  /** JAR: of every client, of those that do not register otherwise, or of those that register it. */
  readonly signedRequests: 'required' | 'default' | 'optional';
  /** Whether every access token must be bound to the sender's certificate, or to that or a DPoP key. */
  readonly requireSenderConstraint: false | 'any' | 'certificate';
  /** Whether it may ask for people who are elsewhere (CIBA), and does so in signed requests only. */
  readonly backchannelAuthentication: boolean;
  readonly httpsRedirectsOnly: boolean;
  /** The only scopes it may ask for, and has where it registers none; undefined: those of the role. */
  readonly scopes: readonly string[] | undefined;
  /** Whether people who have signed in for such a client are remembered for the next. */
  readonly singleSignOn: boolean;
  /** Where its text says what client metadata has to be, by member; none where it follows no text. */
  readonly clauses: Readonly<Record<string, string>>;
}

const fapiAlgorithms = ['ES256', 'PS256', 'EdDSA', 'Ed25519'];
/** FAPI 1.0 Advanced §8.6. */
const fapi1Algorithms = ['PS256', 'ES256'];
const asymmetricMethods = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];
const otherAlgorithms = ['RS256', 'RS384', 'RS512', 'PS384', 'PS512', 'ES384', 'ES512'];

export const plainResponseModes = ['query', 'fragment', 'form_post'];
/** JWT Secured Authorization Response Mode (JARM) §2.3. */
export const signedResponseModes = ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt'];

const fapi2Security = {
  fapi: '2.0',
  responseTypes: ['code'],
  responseModes: undefined,
  tokenEndpointAuthMethods: asymmetricMethods,
  signingAlgorithms: fapiAlgorithms,
  pkce: 'always',
  requirePushedRequests: true,
  signedRequests: 'optional',
  requireSenderConstraint: 'any',
  backchannelAuthentication: false,
  httpsRedirectsOnly: true,
  scopes: undefined,
  singleSignOn: false,
  clauses: {
    token_endpoint_auth_method: 'FAPI 2.0 SP §5.3.2.1-6',
    response_types: 'FAPI 2.0 SP §5.3.2.2-1',
    token_endpoint_auth_signing_alg: 'FAPI 2.0 SP §5.4.1',
    request_object_signing_alg: 'FAPI 2.0 SP §5.4.1',
    id_token_signed_response_alg: 'FAPI 2.0 SP §5.4.1',
    authorization_signed_response_alg: 'FAPI 2.0 SP §5.4.1',
    introspection_signed_response_alg: 'FAPI 2.0 SP §5.4.1',
    userinfo_signed_response_alg: 'FAPI 2.0 SP §5.4.1',
    tls_client_certificate_bound_access_tokens: 'FAPI 2.0 SP §5.3.2.1-4',
  },
} satisfies Profile;

/** FAPI 1.0 Advanced, by whatever way the person is asked. */
const fapi1 = {
  fapi: '1.0 Final',
  tokenEndpointAuthMethods: asymmetricMethods,
  signingAlgorithms: fapi1Algorithms,
  pkce: 'pushed',
  signedRequests: 'required',
  requireSenderConstraint: 'certificate',
  httpsRedirectsOnly: true,
  scopes: undefined,
  singleSignOn: false,
  clauses: {
    token_endpoint_auth_method: 'FAPI 1.0 Advanced §5.2.2-14',
    response_types: 'FAPI 1.0 Advanced §5.2.2-2',
    token_endpoint_auth_signing_alg: 'FAPI 1.0 Advanced §8.6',
    request_object_signing_alg: 'FAPI 1.0 Advanced §8.6',
    id_token_signed_response_alg: 'FAPI 1.0 Advanced §8.6',
    authorization_signed_response_alg: 'FAPI 1.0 Advanced §8.6',
    introspection_signed_response_alg: 'FAPI 1.0 Advanced §8.6',
    userinfo_signed_response_alg: 'FAPI 1.0 Advanced §8.6',
    tls_client_certificate_bound_access_tokens: 'FAPI 1.0 Advanced §5.2.2-5',
  },
} satisfies Partial<Profile>;

export const profiles = {
  /** FAPI 2.0 Security Profile Final; the default of a new client. */
  'fapi2-security': fapi2Security,
  /**
   * FAPI 2.0 Message Signing Final, on the profile above: requests are signed (§5.3) and so are their
   * answers (§5.4), unless the client registers one of them only.
   */
  'fapi2-message-signing': {
    ...fapi2Security,
    responseModes: signedResponseModes,
    signedRequests: 'default',
  },
  /** FAPI 1.0 Advanced Final: by value or pushed, with `code id_token`, or with `code` and JARM. */
  'fapi1-advanced': {
    ...fapi1,
    responseTypes: ['code', 'code id_token'],
    responseModes: undefined,
    requirePushedRequests: false,
    backchannelAuthentication: false,
  },
  /** FAPI-CIBA Implementer's Draft 1, poll and ping, on FAPI 1.0 Advanced; nothing of it in a browser. */
  'fapi-ciba': {
    ...fapi1,
    responseTypes: [],
    responseModes: undefined,
    requirePushedRequests: true,
    backchannelAuthentication: true,
  },
  /** Exactly what the published client of the identity service sends, and nothing looser. */
  'identity-service': {
    fapi: undefined,
    responseTypes: ['code', 'code id_token', 'id_token'],
    responseModes: plainResponseModes,
    tokenEndpointAuthMethods: ['client_secret_basic', ...asymmetricMethods],
    signingAlgorithms: [...fapiAlgorithms, ...otherAlgorithms],
    pkce: 'optional',
    requirePushedRequests: false,
    signedRequests: 'optional',
    requireSenderConstraint: false,
    backchannelAuthentication: false,
    httpsRedirectsOnly: false,
    scopes: undefined,
    singleSignOn: false,
    clauses: {},
  },
  /**
   * OpenID Connect Core 1.0 as it stands, for applications that sign people in and read no accounts.
   * Off by default: its front channel is open to what the FAPI profiles close.
   */
  'openid-connect': {
    fapi: undefined,
    responseTypes: [
      'code',
      'id_token',
      'id_token token',
      'code id_token',
      'code token',
      'code id_token token',
    ],
    responseModes: undefined,
    tokenEndpointAuthMethods: ['client_secret_basic', 'client_secret_post', ...asymmetricMethods],
    signingAlgorithms: [...fapiAlgorithms, ...otherAlgorithms],
    pkce: 'optional',
    requirePushedRequests: false,
    signedRequests: 'optional',
    requireSenderConstraint: false,
    backchannelAuthentication: false,
    httpsRedirectsOnly: true,
    scopes: signOnScopes,
    singleSignOn: true,
    clauses: {},
  },
} satisfies Record<ProfileName, Profile>;

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

/** Whether people stay signed in for this client, and are asked again only where they have to be. */
export function remembersPeople(client: Client | undefined): boolean {
  return client !== undefined && profileOf(client).singleSignOn;
}

export function isProfileName(name: unknown): name is ProfileName {
  return profileNames.some((known) => known === name);
}
