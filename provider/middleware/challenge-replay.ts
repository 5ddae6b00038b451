import type { Context, Next } from 'koa';

/**
 * That a DPoP proof was used before shows when it is committed, after UserInfo has answered: then it is
 * refused as a protected resource refuses proofs (RFC 9449 §7.1), as the library does with all others.
 */
export async function challengeReplay(ctx: Context, next: Next): Promise<void> {
  await next();
  const { error, error_description: description } = Object(ctx.body);
  if (ctx.path !== '/userinfo' || ctx.status !== 400 || error !== 'invalid_dpop_proof') return;
  ctx.status = 401;
  ctx.set('www-authenticate', `DPoP error="${error}", error_description="${description}"`);
}
