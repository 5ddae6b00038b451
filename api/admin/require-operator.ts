import type { Context, Middleware, Next } from 'koa';
import { findActiveClient, isOperatorScope } from '../../core/clients.js';
import type { Storage } from '../../core/storage.js';
import { ApiError } from '../api-error.js';

/**
 * Lets a request of `authenticate` through whose client is an operator still, with a token that is bound
 * to its sender, and leaves it the scopes that the operator has still.
 */
export function requireOperator(storage: Pick<Storage, 'get'>): Middleware {
  return async function requireOneOperator(ctx: Context, next: Next) {
    const { token } = ctx.state;
    const client = await findActiveClient(storage, token.clientId);
    const allowed = client?.value.operator;
    const isBound = token.certificateThumbprint !== undefined || token.keyThumbprint !== undefined;
    if (!allowed || !isBound) throw new ApiError('Forbidden', 'This API is for operators');
    const scopes = [...token.scopes].filter(
      (scope) => isOperatorScope(scope) && allowed.includes(scope),
    );
    ctx.state.token = { ...token, scopes: new Set(scopes) };
    await next();
  };
}
