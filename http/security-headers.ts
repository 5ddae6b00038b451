import helmet from 'helmet';
import type { Context, Middleware, Next } from 'koa';

const protect = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      'default-src': ["'none'"],
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
  return async function setSecurityHeaders(ctx: Context, next: Next) {
    await new Promise<void>((resolve, reject) => {
      protect(ctx.req, ctx.res, (error?: unknown) => (error ? reject(error) : resolve()));
    });
    await next();
  };
}

/** Pages and answers about one person are never kept by a cache. */
export async function noStore(ctx: Context, next: Next): Promise<void> {
  ctx.set('cache-control', 'no-store');
  await next();
}
