import type { Context, Middleware, Next } from 'koa';
import type { AccessTokenFacts } from '../../core/access-token.js';
import { ApiError } from '../api-error.js';

/** Lets a request of {@link authenticate} through whose token has one of the scopes. */
export function requireScope(...anyOf: readonly string[]): Middleware {
  return async function requireOneScope(ctx: Context, next: Next) {
    assertScope(ctx, ctx.state.token, anyOf);
    await next();
  };
}

/**
 * An entry that names several scopes, joined by a space, needs all of them.
 * @throws {ApiError} `Forbidden` with `WWW-Authenticate` set (RFC 6750 §3.1).
 */
export function assertScope(ctx: Context, token: AccessTokenFacts, anyOf: readonly string[]): void {
  if (anyOf.some((entry) => entry.split(' ').every((scope) => token.scopes.has(scope)))) return;
  const scheme = token.keyThumbprint === undefined ? 'Bearer' : 'DPoP';
  const wanted = [...new Set(anyOf.flatMap((entry) => entry.split(' ')))].join(' ');
  ctx.append('WWW-Authenticate', `${scheme} error="insufficient_scope", scope="${wanted}"`);
  throw new ApiError('Forbidden', `The access token needs the scope ${anyOf.join(' or ')}`);
}
