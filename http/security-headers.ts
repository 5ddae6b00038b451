import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';
import type { Context, Middleware, Next } from 'koa';

const protect = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
      // None of ours; the provider adds the hash of the one line that sends `form_post` answers.
      'script-src': ["'none'"],
      'style-src': ["'self'"],
      'img-src': ["'self'"],
      'base-uri': ["'none'"],
      'frame-ancestors': ["'none'"],
      // No form-action: browsers apply it to the redirects that follow a form too, and ours lead to
      // the bank and back to the client, whose addresses change from request to request.
    },
  },
  referrerPolicy: { policy: 'no-referrer' },
  strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: true },
  crossOriginOpenerPolicy: { policy: 'same-origin' },
  xFrameOptions: { action: 'deny' },
});

/** Strict headers on every answer: no scripts, no frames, no foreign assets, no referrer, HSTS. */
export function securityHeaders(): Middleware {
  const headers = writtenHeaders();
  return async function setSecurityHeaders(ctx: Context, next: Next) {
    ctx.res.setHeaders(headers);
    await next();
  };
}

/** What helmet writes, the same for every request: so it is asked once. */
function writtenHeaders(): Map<string, string> {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  protect(response.req, response, () => {});
  return new Map(Object.entries(response.getHeaders()).map(([name, value]) => [name, `${value}`]));
}

/** Pages and answers about one person are never kept by a cache. */
export async function noStore(ctx: Context, next: Next): Promise<void> {
  ctx.set('cache-control', 'no-store');
  await next();
}
