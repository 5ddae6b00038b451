import type { Context, Middleware, Next } from 'koa';
import type { Logger } from '../../core/logger.js';

const titles = {
  'Header/Missing': 'Missing Required Header',
  'Header/InvalidVersion': 'Invalid Version',
  'Header/UnsupportedVersion': 'Unsupported Version',
  'Field/Invalid': 'Invalid Field',
  'Field/InvalidPage': 'Invalid Page',
  'Field/InvalidPageSize': 'Invalid Page Size',
  'Resource/NotFound': 'Resource Not Found',
  'Authorisation/InvalidConsent': 'Consent Is Invalid',
  'GeneralError/Expected': 'Expected Error Encountered',
  'GeneralError/Unexpected': 'Unexpected Error Encountered',
} as const;

type ConsumerDataErrorCode = keyof typeof titles;

/** A request that is answered with an error of the Consumer Data Standards. The detail is public. */
export class ConsumerDataError extends Error {
  override readonly name = 'ConsumerDataError';
  readonly status: number;
  readonly code: ConsumerDataErrorCode;

  constructor(status: number, code: ConsumerDataErrorCode, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** The one place where a refused request becomes `ResponseErrorListV2`; our own faults are logged. */
export function renderConsumerDataErrors(logger: Logger): Middleware {
  return async function renderConsumerDataError(ctx: Context, next: Next) {
    try {
      await next();
    } catch (error) {
      const { traceId } = ctx.state;
      const { status, code, message } = toConsumerDataError(error);
      if (status >= 500) logger.error({ traceId, cause: error }, 'consumer data call failed');
      ctx.status = status;
      const title = titles[code];
      ctx.body = {
        errors: [{ code: `urn:au-cds:error:cds-all:${code}`, title, detail: message }],
      };
    }
  };
}

function toConsumerDataError(error: unknown): ConsumerDataError {
  if (error instanceof ConsumerDataError) return error;
  if (error instanceof Error && 'status' in error && typeof error.status === 'number') {
    const { status, message } = error;
    const code = status === 403 ? 'Authorisation/InvalidConsent' : 'GeneralError/Expected';
    if (status < 500) return new ConsumerDataError(status, code, message);
  }
  const detail = 'The request could not be processed';
  return new ConsumerDataError(500, 'GeneralError/Unexpected', detail);
}
