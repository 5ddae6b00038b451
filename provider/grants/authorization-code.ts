import { errors, type Provider } from 'oidc-provider';
import type { UnitOfWork } from '../../adapters/oidc/unit-of-work.js';
import type { Redemption } from '../../core/redeem-connection.js';
import { builtInGrant } from '../internals.js';

/** Completes what the code was given for; the argument is the Grant's id. */
export type RedeemGrant = (grantId: string) => Promise<Redemption>;

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
      const grantId = ctx.oidc.entities.AuthorizationCode?.grantId;
      if (grantId === undefined) return;
      const { writes, completed } = await redeemGrant(grantId);
      await unitOfWork.add(...writes);
      if (!completed) return;
      await unitOfWork.commit();
      await completed();
    },
    [...parameters, 'sub', 'resource'],
  );
}
