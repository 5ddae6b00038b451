import type { Context, Middleware, Next } from 'koa';

/**
 * Hides the session cookie from the authorization endpoint and its resumption: an authorization never
 * starts from a person remembered by the browser, and a second one in another tab, for another
 * person, must not meet the first one's session.
 */
export function forgetSession(cookieName: string): Middleware {
  const pattern = new RegExp(`(^|;\\s*)${cookieName}=[^;]*`, 'g');

  return async function forgetSessionCookie(ctx: Context, next: Next) {
    const { cookie } = ctx.req.headers;
    if (cookie && (ctx.path === '/auth' || ctx.path.startsWith('/auth/'))) {
      ctx.req.headers.cookie = cookie.replaceAll(pattern, '');
    }
    await next();
  };
}
