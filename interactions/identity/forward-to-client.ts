import type { Context, Middleware, Next } from 'koa';
import type { AuthRequestEnds } from '../../core/complete-auth-request.js';
import { seeOther } from '../see-other.js';

/**
 * Sends a person who returns from a bank on to the client that sent them there by an auth request,
 * with the bank's answer as it came (identity-service.md §4.7). A fragment never reaches a server, so
 * only what is in the query is sent on. Everybody else goes on to the hosted pages.
 */
export function forwardToClient({ land }: Pick<AuthRequestEnds, 'land'>): Middleware {
  return async function forward(ctx: Context, next: Next) {
    if (ctx.method !== 'GET' || ctx.path !== '/bank/callback') return next();
    const address = await land(new URLSearchParams(ctx.querystring), ctx.querystring);
    if (address === undefined) return next();
    return seeOther(ctx, address);
  };
}
