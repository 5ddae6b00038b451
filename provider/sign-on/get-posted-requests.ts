import type { Context, Middleware, Next } from 'koa';

const paths = new Set(['/auth', '/session/end']);

/**
 * Requests that a browser posts (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2) are asked again
 * with their form as the query: so the session's cookie can stay one that no other site's form brings.
 */
export function getPostedRequests(publicUrl: string): Middleware {
  return async function getPostedRequest(ctx: Context, next: Next) {
    const { body } = ctx.state;
    if (ctx.method !== 'POST' || !paths.has(ctx.path) || !ctx.is('urlencoded')) return next();
    if (!Buffer.isBuffer(body)) return next();
    ctx.status = 303;
    ctx.redirect(`${publicUrl}/oidc${ctx.path}?${new URLSearchParams(body.toString('utf8'))}`);
  };
}
