import { errors } from 'oidc-provider';
import { type BrokenRule, describeRules } from '../../core/broken-rule.js';
import { ecosystemNames } from '../../core/ecosystem-names.js';
import { profileNames } from '../../core/profile-names.js';
import { isKnownScope } from '../../core/scopes.js';
import { webhookEndpoints } from '../../core/webhook-endpoint.js';
import { findAuthenticationKeyFaults } from './find-authentication-key-faults.js';
import { findBackchannelFaults } from './find-backchannel-faults.js';
import { findEcosystemFaults } from './find-ecosystem-faults.js';
import { findEncryptionFaults } from './find-encryption-faults.js';
import { findKeyFaults } from './find-key-faults.js';
import { findSignOnFaults } from './find-sign-on-faults.js';
import { findSigningFaults } from './find-signing-faults.js';
import type { OfferedProfiles } from './offered-profiles.js';
import type { Profile } from './profile.js';
import { defaultProfile, profileOf } from './profiles.js';

/** The algorithms of everything that a client signs, and that is signed for it. */
const signingMembers = [
  'token_endpoint_auth_signing_alg',
  'request_object_signing_alg',
  'id_token_signed_response_alg',
  'authorization_signed_response_alg',
  'introspection_signed_response_alg',
  'userinfo_signed_response_alg',
];

/** Of what an installation offers, that which a client's own rules depend on. */
type Offered = Pick<OfferedProfiles, 'names' | 'ecosystems'>;

const everything: Offered = { names: profileNames, ecosystems: ecosystemNames };

type Metadata = { readonly [member: string]: unknown };

/** Metadata that breaks rules of its profile, as the library's error with all of them. */
export class InvalidProfileMetadata extends errors.InvalidClientMetadata {
  readonly rules: readonly BrokenRule[];

  constructor(rules: readonly BrokenRule[]) {
    super(describeRules(rules));
    this.rules = rules;
  }
}

/**
 * Holds a client's metadata to its profile, when it is saved and whenever it is loaded.
 * @param offered the profiles and ecosystems of this installation; no client may have another.
 * @throws {InvalidProfileMetadata} naming each member and what the profile allows.
 */
export function assertClientMetadata(metadata: Metadata, offered: Offered = everything): void {
  const rules = findProfileFaults(metadata, offered);
  if (rules.length > 0) throw new InvalidProfileMetadata(rules);
}

/**
 * Every rule of its profile that a client's metadata breaks, and those for all clients. Of a client
 * whose profile nobody knows nothing more can be said.
 */
export function findProfileFaults(
  metadata: Metadata,
  { names, ecosystems }: Offered,
): readonly BrokenRule[] {
  const { profile: name = defaultProfile } = metadata;
  if (!names.some((known) => known === name)) {
    return [{ member: 'profile', rule: `must be one of ${names.join(', ')}` }];
  }
  const misplaced = findEcosystemFaults(metadata, ecosystems);
  if (misplaced.length > 0) return misplaced;
  const profile = profileOf(metadata);
  return [
    ...notOneOf(metadata, 'token_endpoint_auth_method', profile.tokenEndpointAuthMethods, profile),
    ...notOneOf(metadata, 'subject_type', profile.subjectTypes, profile),
    ...notAmong(metadata, 'response_types', profile.responseTypes, profile),
    ...signingMembers.flatMap((member) =>
      notOneOf(metadata, member, profile.signingAlgorithms, profile),
    ),
    ...findSigningFaults(metadata, profile),
    ...findSignOnFaults(metadata, profile),
    ...findUnboundTokens(metadata, profile),
    ...findRedirectFaults(metadata, profile),
    ...findScopeFaults(metadata),
    ...findBackchannelFaults(metadata, profile),
    ...findKeyFaults(metadata.jwks),
    ...findAuthenticationKeyFaults(metadata),
    ...findEncryptionFaults(metadata),
    ...findWebhookFaults(metadata),
  ];
}

/** Where only sender-constrained access tokens are given. */
function findUnboundTokens(metadata: Metadata, profile: Profile): readonly BrokenRule[] {
  const member = 'tls_client_certificate_bound_access_tokens';
  const { requireSenderConstraint } = profile;
  const dpop = metadata.dpop_bound_access_tokens === true && requireSenderConstraint === 'any';
  if (metadata[member] === true || dpop || !requireSenderConstraint) return [];
  const rule =
    requireSenderConstraint === 'certificate'
      ? 'must be true in this profile'
      : 'or dpop_bound_access_tokens must be true in this profile';
  return [{ member, rule, clause: profile.clauses[member] }];
}

/** FAPI 2.0 SP §5.3.2.2-8: https; plain http only to the own machine where the profile allows it. */
function findRedirectFaults(
  { redirect_uris: uris }: Metadata,
  { httpsRedirectsOnly }: Profile,
): readonly BrokenRule[] {
  if (!Array.isArray(uris)) return [];
  return uris.flatMap((uri, index) => {
    const member = `redirect_uris.${index}`;
    const url = typeof uri === 'string' ? URL.parse(uri) : null;
    if (!url) return [{ member, rule: 'must be an absolute URI', clause: 'RFC 6749 §3.1.2' }];
    const faults: BrokenRule[] = [];
    const local = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local && !httpsRedirectsOnly)) {
      const clause = httpsRedirectsOnly ? 'FAPI 2.0 SP §5.3.2.2-8' : undefined;
      faults.push({ member, rule: 'must use https', clause });
    }
    if (url.username || url.password || url.hash) {
      const rule = 'must not contain credentials or a fragment';
      faults.push({ member, rule, clause: 'RFC 6749 §3.1.2' });
    }
    return faults;
  });
}

/** Of the identity service; at a bank the library checks the scopes, which are few. */
function findScopeFaults({ registered_scope: scope }: Metadata): readonly BrokenRule[] {
  if (typeof scope !== 'string') return [];
  const unknown = scope.split(' ').filter((word) => word !== '' && !isKnownScope(word));
  if (unknown.length === 0) return [];
  const rule = `must not contain ${unknown.join(', ').slice(0, 200)}: there is no such scope`;
  return [{ member: 'scope', rule, clause: 'RFC 7591 §2' }];
}

function findWebhookFaults({ webhooks }: Metadata): readonly BrokenRule[] {
  const issues = webhookEndpoints.optional().safeParse(webhooks).error?.issues ?? [];
  return issues.map(({ path, message }) => ({
    member: ['webhooks', ...path].join('.'),
    rule: message.replaceAll('"', "'"),
  }));
}

function notOneOf(
  metadata: Metadata,
  member: string,
  allowed: readonly string[],
  profile: Profile,
): readonly BrokenRule[] {
  const value = metadata[member];
  if (value === undefined || allowed.some((candidate) => candidate === value)) return [];
  const rule = `must be one of ${allowed.join(', ')} in this profile`;
  return [{ member, rule, clause: profile.clauses[member] }];
}

function notAmong(
  metadata: Metadata,
  member: string,
  allowed: readonly string[],
  profile: Profile,
): readonly BrokenRule[] {
  const values = metadata[member];
  if (!Array.isArray(values) || values.every((value) => allowed.includes(value))) return [];
  const rule = `must be among ${allowed.join(', ')} in this profile`;
  return [{ member, rule, clause: profile.clauses[member] }];
}
