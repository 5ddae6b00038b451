import { errors } from 'oidc-provider';
import type { StorageConflict, Write } from '../../core/storage.js';
import { oidcCollections } from './oidc-collections.js';

const grantSources: ReadonlySet<unknown> = new Set([
  oidcCollections.AuthorizationCode,
  oidcCollections.RefreshToken,
  oidcCollections.DeviceCode,
  oidcCollections.BackchannelAuthenticationRequest,
  oidcCollections.PreAuthorizedCode,
]);

/**
 * The protocol error for a race that was lost: what may be used once was used by somebody else. A
 * conflict on any other record is returned as it is.
 * @param writes the list that was committed.
 */
export function translateConflict(conflict: StorageConflict, writes: readonly Write[]): Error {
  const { collection, kind, position } = conflict.write;
  const detail = `${collection.name} was already used`;
  if (kind === 'consume' && grantSources.has(collection)) {
    return new errors.InvalidGrant({ detail, cause: conflict });
  }
  if (kind === 'consume' && collection === oidcCollections.PushedAuthorizationRequest) {
    const description = 'request_uri is invalid, expired, or was already used';
    return new errors.InvalidRequestUri(description, { detail, cause: conflict });
  }
  if (kind === 'insert' && collection === oidcCollections.ReplayDetection) {
    return isDpopMark(writes[position])
      ? new errors.InvalidDpopProof('DPoP proof JWT Replay detected', { cause: conflict })
      : new errors.InvalidClientAuth({
          detail: 'client assertion tokens must only be used once',
          cause: conflict,
        });
  }
  return conflict;
}

function isDpopMark(write: Write | undefined): boolean {
  if (!write || !('value' in write)) return false;
  const { value } = write;
  return typeof value === 'object' && value !== null && 'proof' in value && value.proof === 'dpop';
}
