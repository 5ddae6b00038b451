import type { BrokenRule } from '../core/broken-rule.js';

/** The codes of error bodies (identity-service.md §1.2) and the status each is answered with. */
export const apiErrorStatus = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  Conflict: 409,
  PreconditionFailed: 412,
  PayloadTooLarge: 413,
  UnsupportedMediaType: 415,
  UnprocessableContent: 422,
  PreconditionRequired: 428,
  TooManyRequests: 429,
  InternalServer: 500,
  NotImplemented: 501,
  BadGateway: 502,
  ServiceUnavailable: 503,
} as const;

export type ApiErrorCode = keyof typeof apiErrorStatus;

/** A request that is refused at the HTTP edge. The message is public: one sentence, no secrets. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;
  /** The HTTP status, where Koa and other renderers of errors look for it. */
  readonly status: number;
  /** The rules that were broken, where it is about those. */
  readonly details: readonly BrokenRule[] | undefined;

  constructor(
    code: ApiErrorCode,
    message: string,
    options?: ErrorOptions & { readonly details?: readonly BrokenRule[] },
  ) {
    super(message, options);
    this.code = code;
    this.status = apiErrorStatus[code];
    this.details = options?.details;
  }
}
