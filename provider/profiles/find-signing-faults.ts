import type { BrokenRule } from '../../core/broken-rule.js';
import type { Profile } from './profile.js';
import { signedResponseModes } from './profiles.js';

/**
 * A client of a profile that signs messages signs its requests, or has its answers signed, or both
 * (FAPI 2.0 Message Signing §5.1); which of them, its metadata says.
 */
export function findSigningFaults(
  metadata: { readonly [member: string]: unknown },
  { signedRequests }: Profile,
): readonly BrokenRule[] {
  if (signedRequests !== 'default' || metadata.require_signed_request_object !== false) return [];
  const { response_modes: modes, response_types: types } = metadata;
  // One that sends nobody, such as a protected resource, has no requests to sign.
  if (Array.isArray(types) && types.length === 0) return [];
  const isSigned = (mode: unknown) => signedResponseModes.some((signed) => signed === mode);
  if (modes === undefined || (Array.isArray(modes) && modes.every(isSigned))) return [];
  return [
    {
      member: 'require_signed_request_object',
      rule: `may be false only where response_modes are among ${signedResponseModes.join(', ')}`,
      clause: 'FAPI 2.0 Message Signing §5.3.1',
    },
  ];
}
