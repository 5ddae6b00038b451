import type { Context, Next } from 'koa';

/**
 * Answers each endpoint under the one path that discovery names. The library's router takes any letter
 * case and a trailing slash for the same, where the middlewares, which compare paths, would not.
 */
export async function exactPaths(ctx: Context, next: Next): Promise<void> {
  // The id of an interaction, where it is resumed, has both letter cases.
  const path = ctx.path.replace(/^\/auth\/[^/]+$/, '/auth');
  if (path.endsWith('/') || path !== path.toLowerCase()) {
    ctx.status = 404;
    ctx.body = { error: 'invalid_request', error_description: 'there is no such endpoint' };
    return;
  }
  await next();
}
