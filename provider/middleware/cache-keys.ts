import { hash } from 'node:crypto';
import type { Context, Middleware, Next } from 'koa';

interface Refreshed {
  refresh(): Promise<void>;
}

/**
 * `/oidc/certs` shows the keys of this moment, and may be kept for half of the time that a new key is
 * published before it signs: so no cache that keeps to it meets a signature of a key it does not know.
 * @param publishBefore seconds.
 */
export function cacheKeys(keys: readonly Refreshed[], publishBefore: number): Middleware {
  const cacheControl = `public, max-age=${Math.floor(publishBefore / 2)}`;

  return async function cacheKeySet(ctx: Context, next: Next) {
    if (ctx.path !== '/certs') return next();
    for (const each of keys) await each.refresh();
    await next();
    if (ctx.status !== 200) return;
    ctx.set('cache-control', cacheControl);
    ctx.set('etag', `"${hash('sha256', JSON.stringify(ctx.body), 'base64url')}"`);
    if (ctx.fresh) ctx.status = 304;
  };
}
