import type { Client } from 'oidc-provider';
import { signOnScopes } from '../../core/person-claims.js';
import { type ProfileName, profileNames } from '../../core/profile-names.js';
import { ecosystems, isEcosystemName } from './ecosystems.js';
import type { Profile } from './profile.js';

/** Seconds: FAPI 2.0 Message Signing §5.3.1, FAPI 1.0 Advanced §5.2.2-13 and -17. */
const anHour = 3600;
/** What ecosystems alone say otherwise. */
const everywhere = {
  longestAccess: undefined,
  subjectTypes: ['public', 'pairwise'],
  claims: [],
  statesPurpose: false,
  arrangements: false,
  contextNames: undefined,
} satisfies Partial<Profile>;

const fapiAlgorithms = ['ES256', 'PS256', 'EdDSA', 'Ed25519'];
/** FAPI 1.0 Advanced §8.6. */
const fapi1Algorithms = ['PS256', 'ES256'];
const asymmetricMethods = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];
const otherAlgorithms = ['RS256', 'RS384', 'RS512', 'PS384', 'PS512', 'ES384', 'ES512'];

export const plainResponseModes = ['query', 'fragment', 'form_post'];
/** JWT Secured Authorization Response Mode (JARM) §2.3. */
export const signedResponseModes = ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt'];

const fapi2Security = {
  ...everywhere,
  fapi: '2.0',
  responseTypes: ['code'],
  responseModes: undefined,
  tokenEndpointAuthMethods: asymmetricMethods,
  signingAlgorithms: fapiAlgorithms,
  pkce: 'always',
  requirePushedRequests: true,
  signedRequests: 'optional',
  longestRequestObject: anHour,
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
  ...everywhere,
  fapi: '1.0 Final',
  tokenEndpointAuthMethods: asymmetricMethods,
  signingAlgorithms: fapi1Algorithms,
  pkce: 'pushed',
  signedRequests: 'required',
  longestRequestObject: anHour,
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
    ...everywhere,
    fapi: undefined,
    responseTypes: ['code', 'code id_token', 'id_token'],
    responseModes: plainResponseModes,
    tokenEndpointAuthMethods: ['client_secret_basic', ...asymmetricMethods],
    signingAlgorithms: [...fapiAlgorithms, ...otherAlgorithms],
    pkce: 'optional',
    requirePushedRequests: false,
    signedRequests: 'optional',
    longestRequestObject: undefined,
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
    ...everywhere,
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
    longestRequestObject: undefined,
    requireSenderConstraint: false,
    backchannelAuthentication: false,
    httpsRedirectsOnly: true,
    scopes: signOnScopes,
    singleSignOn: true,
    clauses: {},
  },
} satisfies Record<ProfileName, Profile>;

export const defaultProfile: ProfileName = 'fapi2-security';

/**
 * The profile of a client, from its metadata member, the strict one where it names none; and what its
 * ecosystem says instead.
 */
export function profileOf(client: { readonly [member: string]: unknown } | undefined): Profile {
  const { profile: name, ecosystem } = client ?? {};
  const profile: Profile = isProfileName(name) ? profiles[name] : profiles[defaultProfile];
  return isEcosystemName(ecosystem) ? narrow(profile, ecosystems[ecosystem].rules) : profile;
}

function narrow(profile: Profile, rules: Partial<Profile>): Profile {
  return { ...profile, ...rules, clauses: { ...profile.clauses, ...rules.clauses } };
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
