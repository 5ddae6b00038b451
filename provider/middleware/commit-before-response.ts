import type { Context, Middleware, Next } from 'koa';
import { errors } from 'oidc-provider';
import type { UnitOfWork } from '../../adapters/oidc/unit-of-work.js';

/**
 * Makes what one request writes one commit, durable before the answer leaves: nothing is acknowledged
 * that could be lost, and a request that lost a race is answered with the protocol's error.
 * @param renderError how an error is shown to a browser.
 */
export function commitBeforeResponse(
  unitOfWork: UnitOfWork,
  renderError: (ctx: Context, error: Error) => void,
): Middleware {
  return async function commitUnitOfWork(ctx: Context, next: Next) {
    try {
      await unitOfWork.run(async () => {
        await next();
        if (ctx.status >= 400) await unitOfWork.commitRefusal();
        else await unitOfWork.commit();
      });
    } catch (error) {
      ctx.remove('location');
      renderError(ctx, toError(error));
    }
  };
}

function toError(error: unknown): Error {
  if (error instanceof errors.OIDCProviderError) return error;
  return error instanceof Error ? error : new Error('not an error was thrown', { cause: error });
}
