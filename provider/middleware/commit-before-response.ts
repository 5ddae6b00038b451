import type { Context, Middleware, Next } from 'koa';
import type { UnitOfWork } from '../../adapters/oidc/unit-of-work.js';

/**
 * Makes what one request writes one commit, durable before the answer leaves: nothing is acknowledged
 * that could be lost, and a request that lost a race is answered with the protocol's error.
 * @throws what the commit throws.
 */
export function commitBeforeResponse(unitOfWork: UnitOfWork): Middleware {
  return async function commitUnitOfWork(ctx: Context, next: Next) {
    await unitOfWork.run(async () => {
      await next();
      if (ctx.status >= 400) await unitOfWork.commitRefusal();
      else await unitOfWork.commit();
    });
  };
}
