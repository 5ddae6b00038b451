import { decodeJwt } from 'jose';
import type { Context, Middleware, Next } from 'koa';
import type { Provider } from 'oidc-provider';
import { rewriteQuery } from '../internals.js';
import { toParameters } from '../request-objects/to-parameters.js';
import { verifyRequestObject } from '../request-objects/verify-request-object.js';

/** What the published client's older URLs have beside the request object and not in it. */
const outside = ['response_type', 'redirect_uri'] as const;

/**
 * Relaxation for `identity-service` clients: `getAuthorizeUrlLegacy` of the published client signs only
 * some of its parameters, as OpenID Connect Core §6.1 allows and RFC 9101 §5 no longer does. Where the
 * object verifies, it becomes plain parameters, completed by those two; what it says itself prevails.
 * Everything else is left for the library to refuse.
 */
export function mergeRequestObject(provider: Provider): Middleware {
  return async function mergeSignedParameters(ctx: Context, next: Next) {
    if (ctx.method === 'GET' && ctx.path === '/auth' && typeof ctx.query.request === 'string') {
      const merged = await merge(provider, new URLSearchParams(ctx.querystring));
      if (merged) {
        rewriteQuery(ctx.req, (query) => {
          for (const name of [...query.keys()]) query.delete(name);
          for (const [name, value] of merged) query.set(name, value);
        });
      }
    }
    await next();
  };
}

async function merge(
  provider: Provider,
  query: URLSearchParams,
): Promise<ReadonlyMap<string, string> | undefined> {
  const request = query.get('request') ?? '';
  const signed = new Set(claimNames(request));
  const missing = outside.filter((name) => query.getAll(name).length === 1 && !signed.has(name));
  const isNested = signed.has('request') || signed.has('request_uri');
  if (missing.length === 0 || signed.size === 0 || isNested) return undefined;
  const verified = await verifyRequestObject(provider, request);
  if (!verified) return undefined;
  const { clientId, profile, requireSignedRequestObject } = verified.client;
  const own = query.getAll('client_id').every((id) => id === clientId);
  if (!own || profile !== 'identity-service' || requireSignedRequestObject) return undefined;
  return new Map([
    ['client_id', clientId],
    ...missing.map((name) => [name, query.get(name) ?? ''] as const),
    ...toParameters(verified.claims),
  ]);
}

/** None where it is no JWT. */
function claimNames(request: string): readonly string[] {
  try {
    return Object.keys(decodeJwt(request));
  } catch {
    return [];
  }
}
