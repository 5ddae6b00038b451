import { profileOf } from './profiles.js';

/**
 * What a profile says of a client, whatever the client says of itself, and where it says nothing.
 * @param signs what each kind of answer can be signed with here, the first preferred.
 */
export function completeClientMetadata(
  metadata: Record<string, unknown>,
  signs: Readonly<Record<string, readonly string[]>>,
): void {
  const profile = profileOf(metadata);
  if (profile.requirePushedRequests) metadata.require_pushed_authorization_requests = true;
  if (profile.signedRequests === 'required') metadata.require_signed_request_object = true;
  metadata.require_signed_request_object ??= profile.signedRequests === 'default';
  if (profile.scopes) metadata.scope ??= profile.scopes.join(' ');
  if (profile.responseModes) metadata.response_modes ??= [...profile.responseModes];
  for (const [member, algorithms] of Object.entries(signs)) {
    // Where none is allowed, the rule that names it is the one that is broken.
    metadata[member] ??=
      algorithms.find((one) => profile.signingAlgorithms.includes(one)) ?? algorithms[0];
  }
}
