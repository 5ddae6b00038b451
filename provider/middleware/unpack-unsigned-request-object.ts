import { decodeProtectedHeader, type JWTPayload, UnsecuredJWT } from 'jose';
import type { Context, Middleware, Next } from 'koa';
import type { Provider } from 'oidc-provider';
import { replaceBody } from '../internals.js';
import { toParameters } from '../request-objects/to-parameters.js';

/**
 * Relaxation for `identity-service` clients registered with `unsigned_pushed_request_object`: the
 * hosted service recommends request objects with `alg: none` at PAR. The pushing client
 * authenticates, so such an object proves as much as plain form parameters; it is turned into these
 * before anything else looks at it. By value at the authorization endpoint it stays refused.
 */
export function unpackUnsignedRequestObject(provider: Provider): Middleware {
  return async function unpackRequestObject(ctx: Context, next: Next) {
    const { body } = ctx.state;
    const pushed = ctx.method === 'POST' && ctx.path === '/request' && ctx.is('urlencoded');
    if (pushed && Buffer.isBuffer(body) && body.includes('request=')) {
      const plain = await toPlainParameters(provider, ctx, body);
      if (plain) replaceBody(ctx.req, Buffer.from(plain.toString()));
    }
    await next();
  };
}

async function toPlainParameters(
  provider: Provider,
  ctx: Context,
  body: Buffer,
): Promise<URLSearchParams | undefined> {
  const form = new URLSearchParams(body.toString('utf8'));
  const request = form.get('request');
  if (!request || form.getAll('request').length > 1 || !isUnsigned(request)) return undefined;
  const client = await provider.Client.find(clientIdOf(ctx, form) ?? '');
  if (client?.profile !== 'identity-service' || client.unsigned_pushed_request_object !== true) {
    return undefined;
  }
  const payload = decodeUnsigned(request, provider.issuer);
  if (!payload) return undefined;
  const plain = new URLSearchParams(form);
  plain.delete('request');
  for (const [name, value] of toParameters(payload)) plain.set(name, value);
  return plain;
}

function isUnsigned(request: string): boolean {
  try {
    return decodeProtectedHeader(request).alg === 'none';
  } catch {
    return false;
  }
}

/** Its claims where its times and audience hold; otherwise it stays, and the library refuses it. */
function decodeUnsigned(request: string, audience: string): JWTPayload | undefined {
  try {
    return UnsecuredJWT.decode(request, { audience }).payload;
  } catch {
    return undefined;
  }
}

/** Which client this claims to be; whether it is, client authentication decides afterwards. */
function clientIdOf(ctx: Context, form: URLSearchParams): string | undefined {
  const [scheme, credentials] = ctx.get('authorization').split(' ');
  if (scheme?.toLowerCase() === 'basic' && credentials) {
    const [id] = Buffer.from(credentials, 'base64').toString('utf8').split(':');
    return id === undefined ? undefined : (new URLSearchParams(`id=${id}`).get('id') ?? undefined);
  }
  return form.get('client_id') ?? undefined;
}
