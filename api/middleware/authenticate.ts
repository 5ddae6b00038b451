import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Context, Middleware, Next } from 'koa';
import type { AccessTokenReader } from '../../core/access-token.js';
import type { Clock } from '../../core/clock.js';
import type { Storage } from '../../core/storage.js';
import { AccessRefused, createGuard } from '../../resource/guard.js';
import { ApiError, type ApiErrorCode } from '../api-error.js';
import { publicRequestUrl } from '../public-request-url.js';
import { createProofReplays } from './dpop-proof.js';

export interface AuthenticateDeps {
  readonly tokens: AccessTokenReader;
  /** Where used DPoP proofs are remembered; the collection is `dpopProofs`. */
  readonly storage: Storage;
  readonly clock: Clock;
  /** The origins clients call: `https://host[:port]`, the public one first. DPoP `htu` names one. */
  readonly origins: readonly [string, ...string[]];
  /** The certificate of the TLS connection; `readClientCertificate` of `http/`. */
  readonly readCertificate: (request: IncomingMessage) => X509Certificate | undefined;
}

const codeOf: Readonly<Record<AccessRefused['status'], ApiErrorCode>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  503: 'ServiceUnavailable',
};

/**
 * Lets a request through whose access token is live and is presented by the one it is bound to, as
 * any resource should (`resource/guard.ts`), and leaves its facts in `ctx.state.token`.
 * @throws {ApiError} of the status of the refusal, with its headers (`WWW-Authenticate`) set, for the
 * renderer of errors outside.
 */
export function authenticate(deps: AuthenticateDeps): Middleware {
  const { tokens, storage, clock, origins, readCertificate } = deps;
  const guard = createGuard({
    tokens,
    replays: createProofReplays(storage),
    now: () => clock.now(),
  });

  return async function authenticateRequest(ctx: Context, next: Next) {
    const url = publicRequestUrl(ctx.req, ctx.originalUrl, origins);
    if (!url) throw new ApiError('BadRequest', 'The request names no path');
    try {
      ctx.state.token = await guard.admit({
        method: ctx.method,
        url,
        headers: ctx.headers,
        certificate: readCertificate(ctx.req),
      });
    } catch (error) {
      if (!(error instanceof AccessRefused)) throw error;
      ctx.set({ ...error.headers });
      throw new ApiError(codeOf[error.status], error.message, { cause: error });
    }
    await next();
  };
}
