import { errors, type Provider } from 'oidc-provider';
import type { UnitOfWork } from '../../adapters/oidc/unit-of-work.js';
import type { Write } from '../../core/storage.js';
import { builtInGrant } from '../internals.js';

/** What redeeming a code completes besides giving tokens. */
export interface CodeRedemption {
  /** The writes that belong to the same commit as the code's consumption. */
  complete(grantId: string): Promise<readonly Write[]>;
  /** Runs when that commit is durable and before the client has its answer. Does not throw. */
  completed(grantId: string): Promise<void>;
}

/**
 * `authorization_code` as the identity service has it: an optional `sub` must be the person the code
 * belongs to, and the redemption is what completes the connection (identity-service.md §2.1). Code,
 * tokens and connection change in one commit, so that neither a race nor a crash leaves half of it.
 */
export function registerAuthorizationCode(
  provider: Provider,
  unitOfWork: UnitOfWork,
  redemption: CodeRedemption,
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
      await unitOfWork.add(...(await redemption.complete(grantId)));
      await unitOfWork.commit();
      await redemption.completed(grantId);
    },
    [...parameters, 'sub', 'resource'],
  );
}
