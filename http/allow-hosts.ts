import type { Context, Middleware, Next } from 'koa';

/**
 * Answers only under the names of the configuration. Endpoint URLs, assertion audiences and DPoP
 * `htu` follow the Host header inside `oidc-provider`, so a spoofed one must end here (SEC-52).
 * @param origins `https://host[:port]`, without path.
 */
export function allowHosts(origins: readonly string[]): Middleware {
  const hosts = new Set(origins.map((origin) => new URL(origin).host));
  return async function allowKnownHosts(ctx: Context, next: Next) {
    if (hosts.has(ctx.host.toLowerCase())) return next();
    ctx.status = 421;
    ctx.body = {
      error: 'invalid_request',
      error_description: 'This server does not answer under the requested host name',
    };
    return undefined;
  };
}
