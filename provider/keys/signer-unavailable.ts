import { errors } from 'oidc-provider';

/** What was to be signed cannot be now. Nothing was used up: the same request may be sent again. */
export class SignerUnavailable extends errors.TemporarilyUnavailable {
  constructor(cause: unknown) {
    super('answers cannot be signed at the moment', { cause, detail: 'signer unavailable' });
    this.status = 503;
    this.statusCode = 503;
  }
}
