import type { Context, Middleware, Next } from 'koa';

/**
 * Discovery reads the same wherever it is asked: the library derives endpoint URLs from the Host of
 * the request, but every URL must start with the issuer (identity-service.md §1.1), also for a client
 * that asks on the mTLS listener.
 */
export function describeUnderIssuer(publicUrl: string): Middleware {
  const { host } = new URL(publicUrl);

  return async function useIssuerHost(ctx: Context, next: Next) {
    if (ctx.path.startsWith('/.well-known/')) ctx.req.headers.host = host;
    await next();
  };
}
