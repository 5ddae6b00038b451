import type { Context, Next } from 'koa';
import { assertScope } from '../middleware/require-scope.js';

/**
 * Lets a request through whose token is for account information: by its scope, or by what the customer
 * granted detail by detail, which stands in its place (RFC 9396 §3.1).
 */
export async function requireAccountAccess(ctx: Context, next: Next): Promise<void> {
  const { token } = ctx.state;
  if (!token.authorizationDetails?.length) assertScope(ctx, token, ['accounts']);
  await next();
}
