import type { Context, Middleware, Next } from 'koa';
import type { Logger } from '../../core/logger.js';

/** The UK Open Banking v3.1 codes that this API answers with (standard error codes, appendix). */
export type ObieErrorCode =
  | 'UK.OBIE.Field.Invalid'
  | 'UK.OBIE.Field.InvalidDate'
  | 'UK.OBIE.Field.Missing'
  | 'UK.OBIE.Field.Unexpected'
  | 'UK.OBIE.Header.Invalid'
  | 'UK.OBIE.Resource.InvalidConsentStatus'
  | 'UK.OBIE.Resource.InvalidFormat'
  | 'UK.OBIE.Resource.NotFound'
  | 'UK.OBIE.UnexpectedError';

export interface ObieErrorDetail {
  readonly code: ObieErrorCode;
  readonly message: string;
  /** JSON path of the member, or the name of the query parameter or header. */
  readonly path?: string | undefined;
}

/** A request that is answered with an OBIE error. The messages are public. */
export class ObieError extends Error {
  override readonly name = 'ObieError';
  readonly status: number;
  readonly details: readonly ObieErrorDetail[];

  constructor(status: number, detail: ObieErrorDetail | readonly ObieErrorDetail[]) {
    const details: readonly ObieErrorDetail[] = 'code' in detail ? [detail] : detail;
    super(details[0]?.message ?? 'The request could not be processed');
    this.status = status;
    this.details = details;
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  413: 'PayloadTooLarge',
  415: 'UnsupportedMediaType',
  429: 'TooManyRequests',
};

/** The one place where a refused request becomes `OBErrorResponse1`; our own faults are logged. */
export function renderObieErrors(logger: Logger): Middleware {
  return async function renderObieError(ctx: Context, next: Next) {
    try {
      await next();
    } catch (error) {
      const { traceId } = ctx.state;
      const known = toObieError(error);
      if (known.status >= 500) logger.error({ traceId, cause: error }, 'open banking call failed');
      ctx.status = known.status;
      ctx.body = describe(known, String(traceId ?? ''));
    }
  };
}

function toObieError(error: unknown): ObieError {
  if (error instanceof ObieError) return error;
  const status = statusOf(error);
  if (status >= 500 || !(error instanceof Error)) {
    return new ObieError(500, {
      code: 'UK.OBIE.UnexpectedError',
      message: 'The request could not be processed',
    });
  }
  const isOfHeader = [401, 403, 406, 415].includes(status);
  const code = isOfHeader ? 'UK.OBIE.Header.Invalid' : 'UK.OBIE.Resource.InvalidFormat';
  return new ObieError(status, { code, message: error.message });
}

/** Errors of Koa, of the router and of the shared middlewares carry the status to answer with. */
function statusOf(error: unknown): number {
  if (!(error instanceof Error) || !('status' in error)) return 500;
  return typeof error.status === 'number' ? error.status : 500;
}

function describe({ status, message, details }: ObieError, traceId: string) {
  return {
    Code: `${status} ${reasons[status] ?? (status < 500 ? 'BadRequest' : 'InternalServerError')}`,
    Id: traceId,
    Message: message,
    Errors: details.map((detail) => ({
      ErrorCode: detail.code,
      Message: detail.message,
      ...(detail.path !== undefined && { Path: detail.path }),
    })),
  };
}
