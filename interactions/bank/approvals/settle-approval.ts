import type { Provider } from 'oidc-provider';
import type { UnitOfWork } from '../../../adapters/oidc/unit-of-work.js';
import type { Approval } from '../../../core/approval.js';
import type { Authentication } from '../../../core/bank-authentication.js';
import { Refusal } from '../../../core/refusal.js';
import type { Write } from '../../../core/storage.js';
import { type GrantedAccess, saveGrant } from '../../save-grant.js';

interface SettleDeps {
  readonly provider: Provider;
  readonly unitOfWork: UnitOfWork;
  /** The identifier of our API in grants. */
  readonly resource: string;
}

/** What the client gets when it asks next. */
export type Settlement =
  | { readonly granted: GrantedAccess & { readonly authentication: Authentication } }
  | { readonly refused: true };

/**
 * Writes what a customer has decided to where the client finds it, the Grant included, in one commit
 * with `writes`. Unlike the library's `backchannelResult` it tells nobody: that is a job.
 * @throws {StorageConflict} of `writes`; then nothing is decided.
 */
export async function settleApproval(
  { provider, unitOfWork, resource }: SettleDeps,
  { authReqId, clientId, scopes }: Approval,
  settlement: Settlement,
  writes: readonly Write[],
): Promise<void> {
  await unitOfWork.run(async () => {
    // First, so that of two decisions the second changes nothing on any engine.
    await unitOfWork.add(...writes);
    const request = await provider.BackchannelAuthenticationRequest.find(authReqId);
    if (!request) throw new Refusal('conflict', 'This request can no longer be decided.');
    if ('refused' in settlement) {
      request.error = 'access_denied';
      request.errorDescription = 'the person has refused';
    } else {
      const { granted } = settlement;
      const { acr, amr, at } = granted.authentication;
      await saveGrant(provider, { clientId, scopes, resource }, granted);
      request.grantId = granted.grantId;
      if (granted.details) request.rar = [...granted.details];
      request.acr = acr;
      request.amr = [...amr];
      request.authTime = Math.floor(Date.parse(at) / 1000);
    }
    await request.save();
  });
}
