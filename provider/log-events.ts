import type { Context } from 'koa';
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { Explanations } from '../core/explanation.js';
import type { Logger } from '../core/logger.js';
import { explainRefusal } from './explain/explain-refusal.js';

/** Tells of one failed request. To be called for what comes up outside of the library too. */
export type ReportFailure = (ctx: Context, error: Error) => void;

/** Reports whatever the library refuses or fails at, and the ends of sessions that a client was not told. */
export function reportEvents(provider: Provider, report: ReportFailure, logger: Logger): void {
  const log = (ctx: KoaContextWithOIDC, error: Error) => report(ctx, error);
  provider.on('authorization.error', log);
  provider.on('grant.error', log);
  provider.on('pushed_authorization_request.error', log);
  provider.on('backchannel_authentication.error', log);
  provider.on('introspection.error', log);
  provider.on('revocation.error', log);
  provider.on('userinfo.error', log);
  provider.on('end_session.error', log);
  provider.on('end_session_confirm.error', log);
  provider.on('end_session_success.error', log);
  provider.on('server_error', log);
  // The person is signed out all the same; it is the client's server that did not take the token.
  provider.on('backchannel.error', ({ state: { traceId } }, cause, { clientId }) => {
    logger.warn({ traceId, clientId, cause }, 'logout not delivered');
  });
}

/** Errors in form only: what a client hears that goes on as it should. */
const answers = new Set(['authorization_pending', 'slow_down', 'use_dpop_nonce']);

/**
 * Logs failed requests under their trace id, never tokens, assertions or claims, and keeps why they were
 * refused for those whom it concerns.
 */
export function createFailureReport(logger: Logger, explanations: Explanations): ReportFailure {
  return function reportFailure(ctx, error) {
    if (error instanceof errors.OIDCProviderError && error.status < 500) {
      logger.warn(describe(ctx, error), 'refused');
      if (!answers.has(error.error)) explanations.record(explainRefusal(ctx, error));
    } else {
      logger.error({ ...describe(ctx, error), cause: error }, 'server_error');
    }
  };
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
