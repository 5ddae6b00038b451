/** Why a registration is refused, in the words of RFC 7591 §3.2.2, RFC 7592 and RFC 6750. */
export type RegistrationErrorCode =
  | 'invalid_request'
  | 'invalid_token'
  | 'invalid_client_metadata'
  | 'invalid_redirect_uri'
  | 'invalid_software_statement'
  | 'unapproved_software_statement'
  | 'access_denied'
  | 'temporarily_unavailable';

/** A registration that is refused. The message is public: one sentence, no secrets. */
export class RegistrationRefused extends Error {
  override readonly name = 'RegistrationRefused';
  readonly code: RegistrationErrorCode;

  constructor(code: RegistrationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
