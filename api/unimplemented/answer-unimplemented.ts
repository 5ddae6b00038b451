import type { Context, Middleware } from 'koa';
import { ApiError } from '../api-error.js';
import { assertScope } from '../middleware/require-scope.js';
import type { UnimplementedCall } from './unimplemented-calls.js';

/** Says honestly that a call is not offered, to whom it would be offered otherwise. */
export function answerUnimplemented({ scopes, what }: UnimplementedCall): Middleware {
  return function refuseUnimplemented(ctx: Context) {
    if (scopes.length > 0) assertScope(ctx, ctx.state.token, scopes);
    throw new ApiError('NotImplemented', `${what} are not implemented by this service`);
  };
}
