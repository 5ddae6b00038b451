import type { Context, Middleware, Next } from 'koa';
import { errors } from 'oidc-provider';
import { isForeignForm } from '../../http/is-foreign-form.js';

/** Signing out is confirmed on our own page, as every form of ours is sent by one (SEC-11). */
export function refuseForeignLogout(publicUrl: string): Middleware {
  return async function refuseForeign(ctx: Context, next: Next) {
    if (ctx.path === '/session/end/confirm' && isForeignForm(ctx, publicUrl)) {
      throw new errors.InvalidRequest('the form was not sent from our own page', 403);
    }
    await next();
  };
}
