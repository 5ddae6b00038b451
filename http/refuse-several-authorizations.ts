import type { Context, Next } from 'koa';

/**
 * RFC 9110 §5.3: a header of one value comes once. Node reads the first Authorization of several, where
 * a program on the way may have read another.
 */
export async function refuseSeveralAuthorizations(ctx: Context, next: Next): Promise<void> {
  const { authorization = [] } = ctx.req.headersDistinct;
  if (authorization.length <= 1) return next();
  ctx.status = 400;
  ctx.body = {
    error: 'invalid_request',
    error_description: 'The request has several Authorization headers',
  };
  return undefined;
}
