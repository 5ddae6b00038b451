import type { Context, Next } from 'koa';
import { errors } from 'oidc-provider';
import { readBody } from '../../http/read-body.js';
import { bodyLimit, replaceBody } from '../internals.js';

/**
 * Reads a body of unannounced length to its end before the library does: it stops reading at its
 * limit, and a sender who is still sending then never hears the answer.
 */
export async function boundChunkedBody(ctx: Context, next: Next): Promise<void> {
  const announced = ctx.req.headers['transfer-encoding'] === undefined;
  // Pushed requests are read by `unpackUnsignedRequestObject`.
  if (!announced && ctx.path !== '/request') {
    const body = await readBody(ctx.req, bodyLimit);
    if (!body) throw new errors.InvalidRequest('the request body is too large');
    replaceBody(ctx.req, body);
  }
  await next();
}
