import { errors, type Provider } from 'oidc-provider';
import type { UnitOfWork } from '../../adapters/oidc/unit-of-work.js';
import type { Redemption } from '../../core/redeem-connection.js';
import { StorageConflict } from '../../core/storage.js';
import { wantsAsyncSync } from '../../core/sync-claim.js';
import { builtInGrant } from '../internals.js';

/** Completes what the code was given for; `isAsync` where the client does not wait for the data. */
export type RedeemGrant = (
  grantId: string,
  wish: { readonly isAsync: boolean },
) => Promise<Redemption>;

/**
 * `authorization_code` as the identity service has it: an optional `sub` must be the person the code
 * belongs to, and the redemption is what completes the connection (identity-service.md §2.1). Code,
 * tokens and connection change in one commit, so that neither a race nor a crash leaves half of it.
 */
export function registerAuthorizationCode(
  provider: Provider,
  unitOfWork: UnitOfWork,
  redeemGrant: RedeemGrant,
): void {
  const { parameters, handle } = builtInGrant(provider, 'authorization_code');

  provider.registerGrantType(
    'authorization_code',
    async function authorizationCode(ctx) {
      const { sub, code: value } = ctx.oidc.params;
      if (sub !== undefined && typeof value === 'string') {
        const code = await provider.AuthorizationCode.find(value);
        if (code && code.accountId !== sub) {
          throw new errors.InvalidGrant('authorization code does not belong to sub');
        }
      }
      await handle(ctx);
      const { grantId, claims } = ctx.oidc.entities.AuthorizationCode ?? {};
      if (grantId === undefined) return;
      const { writes, completed } = await redeemGrant(grantId, { isAsync: wantsAsyncSync(claims) });
      await unitOfWork.add(...writes);
      if (!completed) return;
      await commitRedemption(unitOfWork);
      await completed();
    },
    [...parameters, 'sub', 'resource', 'authorization_details'],
  );
}

/** A connection that was given up or removed at the same moment has no tokens to give. */
async function commitRedemption(unitOfWork: UnitOfWork): Promise<void> {
  try {
    await unitOfWork.commit();
  } catch (error) {
    if (!(error instanceof StorageConflict)) throw error;
    const detail = 'the connection ended while its code was redeemed';
    throw new errors.InvalidGrant({ detail, cause: error });
  }
}
