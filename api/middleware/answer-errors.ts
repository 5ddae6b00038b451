import type { Context, Middleware, Next } from 'koa';
import { z } from 'zod';
import { BrokenRules } from '../../core/broken-rule.js';
import { OutdatedClient } from '../../core/change-client.js';
import { InstitutionError } from '../../core/institution.js';
import type { Logger } from '../../core/logger.js';
import { Refusal, type RefusalCode } from '../../core/refusal.js';
import { InvalidCursor, StorageConflict } from '../../core/storage.js';
import { ApiError, type ApiErrorCode } from '../api-error.js';

const refusalCodes: Readonly<Record<RefusalCode, ApiErrorCode>> = {
  invalid_request: 'BadRequest',
  invalid_scope: 'BadRequest',
  invalid_claims: 'BadRequest',
  not_found: 'NotFound',
  forbidden: 'Forbidden',
  access_denied: 'Forbidden',
  conflict: 'Conflict',
  bank_unavailable: 'BadGateway',
};

/**
 * The one place of the REST API where an error becomes an answer: `{ code, message, correlationId }`
 * (identity-service.md §1.2). The cause goes to the log, never to the caller.
 */
export function answerErrors(logger: Logger): Middleware {
  return async function answerError(ctx: Context, next: Next) {
    try {
      await next();
    } catch (cause) {
      const { code, message, status, details } = toApiError(cause);
      const correlationId: unknown = ctx.state.traceId;
      ctx.status = status;
      ctx.body = { code, message, correlationId, details };
      const fields = {
        traceId: correlationId,
        clientId: ctx.state.token?.clientId,
        method: ctx.method,
        status,
        code,
        cause,
      };
      // 501 is a client's question, answered.
      if (status >= 500 && status !== 501) logger.error(fields, 'request failed');
      else logger.info(fields, 'request refused');
    }
  };
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof Refusal) return new ApiError(refusalCodes[error.code], error.message);
  if (error instanceof z.ZodError) return new ApiError('BadRequest', describeIssues(error));
  if (error instanceof BrokenRules) {
    const message = `The client breaks ${error.rules.length} of the rules`;
    return new ApiError('BadRequest', message, { details: error.rules });
  }
  if (error instanceof OutdatedClient) return new ApiError('PreconditionFailed', error.message);
  if (error instanceof InvalidCursor) return new ApiError('BadRequest', error.message);
  if (error instanceof StorageConflict) {
    return new ApiError(
      'Conflict',
      'Somebody else changed this at the same time; please try again',
    );
  }
  if (error instanceof InstitutionError) {
    return new ApiError(
      'BadGateway',
      'The ASPSP did not answer as it should; please try again later',
    );
  }
  return new ApiError('InternalServer', 'The request could not be processed');
}

/** Which members are wrong and what is allowed, without what was sent. */
function describeIssues({ issues }: z.ZodError): string {
  return issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join('.') || 'The request'}: ${message}`)
    .join('; ')
    .slice(0, 500);
}
