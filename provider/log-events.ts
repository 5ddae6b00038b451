import type { Context } from 'koa';
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { Logger } from '../core/logger.js';

/** Logs whatever the library refuses or fails at. */
export function logEvents(provider: Provider, logger: Logger): void {
  const log = (ctx: KoaContextWithOIDC, error: Error) => logFailure(logger, ctx, error);
  provider.on('authorization.error', log);
  provider.on('grant.error', log);
  provider.on('pushed_authorization_request.error', log);
  provider.on('backchannel_authentication.error', log);
  provider.on('introspection.error', log);
  provider.on('revocation.error', log);
  provider.on('server_error', log);
}

/**
 * Logs one failed request under its trace id, never tokens, assertions or claims. To be called for what
 * comes up outside of the library, e.g. when a request is committed.
 */
export function logFailure(logger: Logger, ctx: Context, error: Error): void {
  if (error instanceof errors.OIDCProviderError && error.status < 500) {
    logger.warn(describe(ctx, error), 'refused');
  } else {
    logger.error({ ...describe(ctx, error), cause: error }, 'server_error');
  }
}

function describe(ctx: Context, error: Error): object {
  return {
    traceId: ctx.state.traceId,
    route: ctx.oidc?.route,
    clientId: ctx.oidc?.client?.clientId,
    error: error instanceof errors.OIDCProviderError ? error.error : error.name,
    detail: error instanceof errors.OIDCProviderError ? error.error_detail : undefined,
  };
}
