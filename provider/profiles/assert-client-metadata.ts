import { errors } from 'oidc-provider';
import { webhookEndpoints } from '../../core/webhook-endpoint.js';
import { isProfileName, type Profile, profileOf, profiles } from './profiles.js';

type Metadata = { readonly [member: string]: unknown };

/**
 * Holds a client's metadata to its profile, when it is saved and whenever it is loaded.
 * @throws {errors.InvalidClientMetadata} naming the member and what the profile allows.
 */
export function assertClientMetadata(metadata: Metadata): void {
  if (metadata.profile !== undefined && !isProfileName(metadata.profile)) {
    refuse(`profile must be one of ${Object.keys(profiles).join(', ')}`);
  }
  const profile = profileOf(metadata);
  assertOneOf(metadata, 'token_endpoint_auth_method', profile.tokenEndpointAuthMethods);
  assertSubset(metadata, 'response_types', profile.responseTypes);
  for (const member of [
    'token_endpoint_auth_signing_alg',
    'request_object_signing_alg',
    'id_token_signed_response_alg',
  ]) {
    assertOneOf(metadata, member, profile.signingAlgorithms);
  }
  // FAPI 2.0 SP §5.3.2.1-4: only sender-constrained access tokens.
  if (profile.requireSenderConstraint && !isSenderConstrained(metadata)) {
    refuse(
      'tls_client_certificate_bound_access_tokens or dpop_bound_access_tokens must be true in this profile',
    );
  }
  assertRedirectUris(metadata, profile);
  assertWebhooks(metadata);
}

function assertWebhooks({ webhooks }: Metadata): void {
  const [issue] = webhookEndpoints.optional().safeParse(webhooks).error?.issues ?? [];
  // An error_description has no double quotes (RFC 6749 §5.2).
  const rule = issue?.message.replaceAll('"', "'");
  if (issue) refuse(`${['webhooks', ...issue.path].join('.')}: ${rule}`);
}

function isSenderConstrained(metadata: Metadata): boolean {
  return (
    metadata.tls_client_certificate_bound_access_tokens === true ||
    metadata.dpop_bound_access_tokens === true
  );
}

/** FAPI 2.0 SP §5.3.2.2-8: https; plain http only to the own machine where the profile allows it. */
function assertRedirectUris({ redirect_uris: uris }: Metadata, profile: Profile): void {
  if (!Array.isArray(uris)) return;
  for (const uri of uris) {
    if (!URL.canParse(uri)) refuse('redirect_uris must be absolute URIs');
    const { protocol, hostname, username, password, hash } = new URL(uri);
    const local = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
    if (protocol !== 'https:' && !(protocol === 'http:' && local && !profile.httpsRedirectsOnly)) {
      refuse('redirect_uris must use https');
    }
    if (username || password || hash) {
      refuse('redirect_uris must not contain credentials or a fragment');
    }
  }
}

function assertOneOf(metadata: Metadata, member: string, allowed: readonly string[]): void {
  const value = metadata[member];
  if (value !== undefined && !allowed.some((candidate) => candidate === value)) {
    refuse(`${member} must be one of ${allowed.join(', ')} in this profile`);
  }
}

function assertSubset(metadata: Metadata, member: string, allowed: readonly string[]): void {
  const values = metadata[member];
  if (Array.isArray(values) && !values.every((value) => allowed.includes(value))) {
    refuse(`${member} must be among ${allowed.join(', ')} in this profile`);
  }
}

function refuse(message: string): never {
  throw new errors.InvalidClientMetadata(message);
}
