/**
 * A refusal that the caller can do something about. `core/` throws it, each edge (REST, OAuth, pages)
 * turns it into its own kind of answer in one place. The message is one plain sentence without secrets.
 */
export type RefusalCode =
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_claims'
  | 'not_found'
  | 'forbidden'
  | 'conflict'
  | 'access_denied'
  | 'bank_unavailable';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
