import type { Context, Next } from 'koa';
import { errors } from 'oidc-provider';
import { readBody } from '../../http/read-body.js';
import { bodyLimit, replaceBody } from '../internals.js';
import { assertReadable } from './assert-readable.js';

/**
 * Bounds what the library is given: the query and the form are held to {@link assertReadable}, and a
 * body is read to its end first, because the library stops reading at its limit and a sender who is
 * still sending then never hears the answer. Leaves the body in `ctx.state.body`.
 */
export async function boundRequest(ctx: Context, next: Next): Promise<void> {
  if (ctx.method === 'POST' || ctx.req.headers['transfer-encoding'] !== undefined) {
    const body = await readBody(ctx.req, bodyLimit);
    if (!body) throw new errors.InvalidRequest('the request body is too large');
    assertUtf8(ctx.request.charset);
    assertReadable(new URLSearchParams(body.toString('utf8')));
    ctx.state.body = body;
    replaceBody(ctx.req, body);
  }
  if (ctx.path === '/auth') assertReadable(new URLSearchParams(ctx.querystring));
  await next();
}

/** RFC 6749 Appendix B. In another encoding the library would read another form than we have. */
function assertUtf8(charset: string): void {
  if (charset !== '' && charset.toLowerCase() !== 'utf-8') {
    throw new errors.InvalidRequest('the request body must be UTF-8');
  }
}
