import { bankAuthentication, strongAuthentication } from '../../core/bank-authentication.js';
import { type EcosystemName, ecosystemNames } from '../../core/ecosystem-names.js';
import type { ProfileName } from '../../core/profile-names.js';
import { consumerDataScopes } from '../../core/sharing-arrangement.js';
import type { Profile } from './profile.js';

/** What an ecosystem's own text says on top of a profile, as data. */
export interface Ecosystem {
  /** What a client of it may be, as it builds on these. */
  readonly profiles: readonly ProfileName[];
  /** What it says instead of the profile: never less than that demands. */
  readonly rules: Partial<Profile>;
}

/** Seconds: both texts have access tokens live for ten minutes at most. */
const tenMinutes = 600;

export const ecosystems = {
  /** ConnectID FAPI 2 Security Profile 1.0, Implementers' Draft 3: who somebody is, and no accounts. */
  'connectid-au': {
    profiles: ['fapi2-message-signing'],
    rules: {
      responseModes: ['query'],
      tokenEndpointAuthMethods: ['private_key_jwt'],
      signingAlgorithms: ['PS256'],
      signedRequests: 'required',
      longestRequestObject: tenMinutes,
      requireSenderConstraint: 'certificate',
      longestAccess: tenMinutes,
      subjectTypes: ['pairwise'],
      scopes: ['openid'],
      claims: [
        ...['name', 'given_name', 'middle_name', 'family_name', 'birthdate'],
        ...['email', 'phone_number', 'address', 'txn'],
      ],
      statesPurpose: true,
      clauses: {
        token_endpoint_auth_method: 'ConnectID SP §4.2',
        token_endpoint_auth_signing_alg: 'ConnectID SP §4.2-8',
        request_object_signing_alg: 'ConnectID SP §4.2-8',
        id_token_signed_response_alg: 'ConnectID SP §4.2-8',
        tls_client_certificate_bound_access_tokens: 'ConnectID SP §4.2',
        subject_type: 'ConnectID SP §4',
      },
    },
  },
  /** Consumer Data Standards (Australia), Security Profile: a data holder's side of it. */
  'consumer-data-right-au': {
    profiles: ['fapi2-security', 'fapi1-advanced'],
    rules: {
      responseTypes: ['code'],
      tokenEndpointAuthMethods: ['private_key_jwt'],
      signingAlgorithms: ['PS256', 'ES256'],
      requireSenderConstraint: 'certificate',
      longestAccess: tenMinutes,
      subjectTypes: ['pairwise'],
      scopes: ['openid', ...consumerDataScopes],
      arrangements: true,
      // Levels of Assurance: a credential of one kind, and of two.
      contextNames: {
        [bankAuthentication.acr]: 'urn:cds.au:cdr:2',
        [strongAuthentication.acr]: 'urn:cds.au:cdr:3',
      },
      clauses: {
        response_types: 'Consumer Data Standards, Authentication Flows',
        token_endpoint_auth_method: 'Consumer Data Standards, Client Authentication',
        tls_client_certificate_bound_access_tokens:
          'Consumer Data Standards, Holder of Key Mechanism',
        subject_type: 'Consumer Data Standards, Identifiers and Subject Types',
      },
    },
  },
} satisfies Record<EcosystemName, Ecosystem>;

export function isEcosystemName(name: unknown): name is EcosystemName {
  return ecosystemNames.some((known) => known === name);
}
