import type { Context, Middleware, Next } from 'koa';
import type { Explanations, Refused } from '../../core/explanation.js';

const live = {
  rule: 'the access token is live and comes from the one it is bound to',
  clause: 'RFC 6750 §2.1; RFC 8705 §3; RFC 9449 §7',
};
const allowing = { rule: 'the token, and what was agreed to, allow this', clause: 'RFC 6750 §3.1' };

/**
 * Keeps why a call was refused for what its access token is or is not. What else may be wrong with a
 * call, its answer says.
 * @param check what comes before a resource: `authenticate`.
 */
export function explainAccess(
  explanations: Pick<Explanations, 'record'>,
  check: Middleware,
): Middleware {
  return async function explainRefusedAccess(ctx: Context, next: Next) {
    try {
      await check(ctx, next);
    } catch (error) {
      const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
      if (error instanceof Error && (status === 401 || status === 403)) {
        explanations.record(explain(ctx, status, error.message));
      }
      throw error;
    }
  };
}

function explain(ctx: Context, status: 401 | 403, description: string): Refused {
  const clientId: unknown = ctx.state.token?.clientId;
  const isKnown = typeof clientId === 'string';
  return {
    traceId: String(ctx.state.traceId).toLowerCase(),
    ...(isKnown && { clientId }),
    authenticated: isKnown,
    // The route and not the path, which may hold whom it is about.
    endpoint: `${ctx.method} ${String(ctx._matchedRoute ?? '')}`.trim(),
    error: status === 401 ? 'Unauthorized' : 'Forbidden',
    description,
    rules:
      status === 401
        ? [{ ...live, outcome: 'not met' }]
        : [
            { ...live, outcome: 'met' },
            { ...allowing, outcome: 'not met' },
          ],
  };
}
