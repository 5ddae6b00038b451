import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { Logger } from '../core/logger.js';

/** Logs every refusal with its cause under the trace id; never tokens, assertions or claims. */
export function logEvents(provider: Provider, logger: Logger): void {
  const logRefusal = (ctx: KoaContextWithOIDC, error: Error) =>
    logger.warn(describe(ctx, error), 'refused');
  provider.on('authorization.error', logRefusal);
  provider.on('grant.error', logRefusal);
  provider.on('pushed_authorization_request.error', logRefusal);
  provider.on('introspection.error', logRefusal);
  provider.on('revocation.error', logRefusal);
  provider.on('server_error', (ctx, error) => {
    logger.error({ ...describe(ctx, error), cause: error }, 'server_error');
  });
}

function describe(ctx: KoaContextWithOIDC, error: Error): object {
  return {
    traceId: ctx.state.traceId,
    route: ctx.oidc?.route,
    clientId: ctx.oidc?.client?.clientId,
    error: error instanceof errors.OIDCProviderError ? error.error : error.name,
    detail: error instanceof errors.OIDCProviderError ? error.error_detail : undefined,
  };
}
