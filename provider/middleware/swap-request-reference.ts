import type { Context, Middleware, Next } from 'koa';
import { errors } from 'oidc-provider';
import { requestObjects, requestUrn } from '../../core/request-object.js';
import type { Storage } from '../../core/storage.js';
import { rewriteQuery } from '../internals.js';

/**
 * Addition for clients that left their request object at `POST /request`: puts it where its reference
 * stands, and the library verifies it as one that is sent by value (it knows no other references than
 * those of PAR).
 */
export function swapRequestReference(storage: Storage): Middleware {
  return async function swapForRequestObject(ctx: Context, next: Next) {
    const { request_uri: reference } = ctx.query;
    const isAuthorization = ctx.method === 'GET' && ctx.path === '/auth';
    if (isAuthorization && typeof reference === 'string' && reference.startsWith(requestUrn)) {
      const stored = await storage.get(requestObjects, reference.slice(requestUrn.length));
      if (!stored) throw new errors.InvalidRequestUri('request_uri is unknown or has expired');
      const { clientId, request } = stored.value;
      rewriteQuery(ctx.req, (query) => {
        query.delete('request_uri');
        query.append('request', request);
        if (!query.has('client_id')) query.set('client_id', clientId);
      });
    }
    await next();
  };
}
