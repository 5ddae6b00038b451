import { errors } from 'oidc-provider';
import type { StorageConflict, Write } from '../../core/storage.js';
import { oidcCollections } from './oidc-collections.js';
import type { ReplayProof } from './replay-proof.js';

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
    return replayErrors[proofOf(writes[position])](conflict);
  }
  return conflict;
}

const replayErrors: Readonly<Record<ReplayProof, (cause: StorageConflict) => Error>> = {
  dpop: (cause) => new errors.InvalidDpopProof('DPoP proof JWT Replay detected', { cause }),
  assertion: (cause) =>
    new errors.InvalidGrant({ detail: 'the assertion was already used', cause }),
  request: (cause) =>
    new errors.InvalidRequest('the request object was already used', 400, { cause }),
  client_assertion: (cause) =>
    new errors.InvalidClientAuth({
      detail: 'client assertion tokens must only be used once',
      cause,
    }),
};

const proofs: readonly ReplayProof[] = ['dpop', 'assertion', 'request'];

/** The mark says of what it is. */
function proofOf(write: Write | undefined): ReplayProof {
  const value = write && 'value' in write ? write.value : undefined;
  const proof = typeof value === 'object' && value && 'proof' in value ? value.proof : undefined;
  return proofs.find((known) => known === proof) ?? 'client_assertion';
}
