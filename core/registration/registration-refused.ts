/** Why a registration is refused, in the words of RFC 7591 §3.2.2, RFC 7592 and RFC 6750. */
export type RegistrationErrorCode =
  | 'invalid_request'
  | 'invalid_token'
  | 'invalid_client_metadata'
  | 'invalid_redirect_uri'
  | 'invalid_software_statement'
  | 'unapproved_software_statement';

/** What the codes have no word for, the status says (RFC 7592 §2.1, RFC 6585 §4). */
type RegistrationStatus = 400 | 401 | 403 | 429;

/** A registration that is refused. The message is public: one sentence, no secrets. */
export class RegistrationRefused extends Error {
  override readonly name = 'RegistrationRefused';
  readonly code: RegistrationErrorCode;
  readonly status: RegistrationStatus;

  /** @param options with a `status` where it is neither 401, of `invalid_token`, nor 400. */
  constructor(
    code: RegistrationErrorCode,
    message: string,
    options: ErrorOptions & { readonly status?: RegistrationStatus } = {},
  ) {
    super(message, options);
    this.code = code;
    this.status = options.status ?? (code === 'invalid_token' ? 401 : 400);
  }
}
