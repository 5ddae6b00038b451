import type { Context, Middleware, Next } from 'koa';

/**
 * Hides the session cookie from the authorization endpoint and its resumption, and the cookie of the new
 * session from the browser: an authorization never starts from a person remembered by the browser, and a
 * second one in another tab, for another person, must not meet the first one's session.
 * @param remembers whether a request is one that people are remembered for.
 */
export function forgetSession(
  cookieName: string,
  remembers: (ctx: Context) => Promise<boolean>,
): Middleware {
  const pattern = new RegExp(`(^|;\\s*)${cookieName}=[^;]*`, 'g');

  return async function forgetSessionCookie(ctx: Context, next: Next) {
    const isVisit = ctx.path === '/auth' || ctx.path.startsWith('/auth/');
    if (!isVisit || (await remembers(ctx))) return next();
    const { cookie } = ctx.req.headers;
    if (cookie) ctx.req.headers.cookie = cookie.replaceAll(pattern, '');
    await next();
    const others = [ctx.response.get('set-cookie')]
      .flat()
      .filter((line) => line && !line.startsWith(`${cookieName}=`));
    ctx.remove('set-cookie');
    if (others.length > 0) ctx.set('set-cookie', others);
  };
}
