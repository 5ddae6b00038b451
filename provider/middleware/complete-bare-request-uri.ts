import { decodeJwt } from 'jose';
import type { Context, Middleware, Next } from 'koa';
import type { Provider } from 'oidc-provider';
import { addQueryParameter } from '../internals.js';
import { isProfileName } from '../profiles/profiles.js';

const urn = 'urn:ietf:params:oauth:request_uri:';

/**
 * Relaxation for `identity-service` clients: the published client sends the browser to
 * `/auth?request_uri=…` without the `client_id` that RFC 9126 §4 asks for. Who pushed the request is
 * in the stored request object, which only an authenticated client could have put there.
 */
export function completeBareRequestUri(provider: Provider): Middleware {
  return async function addClientId(ctx: Context, next: Next) {
    if (ctx.method === 'GET' && ctx.path === '/auth') {
      const { request_uri: requestUri, client_id: clientId } = ctx.query;
      if (typeof requestUri === 'string' && requestUri.startsWith(urn) && clientId === undefined) {
        const client = await findPusher(provider, requestUri.slice(urn.length));
        if (client) addQueryParameter(ctx.req, 'client_id', client);
      }
    }
    await next();
  };
}

async function findPusher(provider: Provider, id: string): Promise<string | undefined> {
  const pushed = await provider.PushedAuthorizationRequest.find(id);
  if (!pushed) return undefined;
  const { client_id: clientId } = decodeJwt(pushed.request);
  if (typeof clientId !== 'string') return undefined;
  const client = await provider.Client.find(clientId);
  return isProfileName(client?.profile) && client.profile === 'identity-service'
    ? clientId
    : undefined;
}
