import { profileOf } from './profiles.js';

/** What a profile says of a client, whatever the client says of itself, and where it says nothing. */
export function completeClientMetadata(metadata: Record<string, unknown>): void {
  const profile = profileOf(metadata);
  if (profile.requirePushedRequests) metadata.require_pushed_authorization_requests = true;
  if (profile.signedRequests === 'required') metadata.require_signed_request_object = true;
  metadata.require_signed_request_object ??= profile.signedRequests === 'default';
  if (profile.scopes) metadata.scope ??= profile.scopes.join(' ');
  if (profile.responseModes) metadata.response_modes ??= [...profile.responseModes];
}
