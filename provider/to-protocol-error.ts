import { errors } from 'oidc-provider';
import { Refusal } from '../core/refusal.js';

/** A refusal of `core/` as the OAuth error of its kind; everything else as it is. */
function toProtocolError(error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  switch (error.code) {
    case 'invalid_scope':
    case 'invalid_claims':
      return new errors.CustomOIDCProviderError(error.code, error.message);
    default:
      return new errors.InvalidRequest(error.message, 400, { cause: error });
  }
}

/** Runs a rule of `core/` at a protocol endpoint. @throws its refusal as a protocol error. */
export function enforce<Result>(rule: () => Result): Result {
  try {
    return rule();
  } catch (error) {
    throw toProtocolError(error);
  }
}
