import { decodeJwt } from 'jose';
import type { Context, Middleware, Next } from 'koa';
import type { Provider } from 'oidc-provider';
import { rewriteQuery } from '../internals.js';

const urn = 'urn:ietf:params:oauth:request_uri:';

/**
 * Relaxation for `identity-service` clients: published clients send the browser to
 * `/auth?request_uri=…` or `/auth?request=…` without the `client_id` that RFC 9126 §4 and RFC 9101 §5 ask
 * for. Whose request it is, the object itself says, which the client has pushed or signed.
 */
export function completeBareRequestUri(provider: Provider): Middleware {
  return async function addClientId(ctx: Context, next: Next) {
    if (ctx.method === 'GET' && ctx.path === '/auth' && ctx.query.client_id === undefined) {
      const object = await findRequestObject(provider, ctx);
      const client = object && (await findSender(provider, object));
      if (client) rewriteQuery(ctx.req, (query) => query.set('client_id', client));
    }
    await next();
  };
}

async function findRequestObject(provider: Provider, { query }: Context) {
  const { request, request_uri: requestUri } = query;
  if (typeof request === 'string') return request;
  if (typeof requestUri !== 'string' || !requestUri.startsWith(urn)) return undefined;
  return (await provider.PushedAuthorizationRequest.find(requestUri.slice(urn.length)))?.request;
}

async function findSender(provider: Provider, object: string): Promise<string | undefined> {
  const client = await provider.Client.find(claimedClient(object) ?? '');
  return client?.profile === 'identity-service' ? client.clientId : undefined;
}

function claimedClient(object: string): string | undefined {
  try {
    const { client_id: named, iss } = decodeJwt(object);
    return typeof named === 'string' ? named : iss;
  } catch {
    return undefined;
  }
}
