import { hash, type X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Context, Middleware, Next } from 'koa';
import type { AccessTokenFacts, AccessTokenReader } from '../../core/access-token.js';
import type { Clock } from '../../core/clock.js';
import type { Storage } from '../../core/storage.js';
import { ApiError } from '../api-error.js';
import { publicRequestUrl } from '../public-request-url.js';
import { createProofVerifier, dpopAlgorithms, InvalidProof } from './dpop-proof.js';

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

type Scheme = 'Bearer' | 'DPoP';

interface Challenge {
  readonly scheme: Scheme;
  readonly error: 'invalid_token' | 'invalid_dpop_proof';
}

/**
 * Lets a request through whose access token is live and is presented by the one it is bound to
 * (RFC 6750, RFC 8705 §3, RFC 9449 §7), and leaves its facts in `ctx.state.token`.
 * @throws {ApiError} `Unauthorized` with `WWW-Authenticate` set, for the renderer of errors outside.
 */
export function authenticate(deps: AuthenticateDeps): Middleware {
  const { tokens, clock, origins, readCertificate } = deps;
  const verifyProof = createProofVerifier(deps);

  /** RFC 9449 §7.1: the scheme, the proof and the token's binding go together or not at all. */
  async function assertKey(ctx: Context, { scheme, token }: Presented, facts: AccessTokenFacts) {
    if (facts.keyThumbprint === undefined) {
      if (scheme === 'Bearer') return;
      throw refuse(ctx, invalidToken('Bearer'), 'The access token is not bound to a DPoP key');
    }
    if (scheme === 'Bearer') {
      throw refuse(ctx, invalidToken('DPoP'), 'The access token is bound to a DPoP key');
    }
    const url = publicRequestUrl(ctx.req, ctx.originalUrl, origins);
    if (!url) throw new ApiError('BadRequest', 'The request names no path');
    const proven = await prove(ctx, { method: ctx.method, url, accessToken: token });
    if (proven !== facts.keyThumbprint) {
      throw refuse(ctx, invalidToken('DPoP'), 'The access token is bound to another DPoP key');
    }
  }

  async function prove(ctx: Context, request: Parameters<typeof verifyProof>[1]) {
    const proof = ctx.get('DPoP');
    try {
      if (!proof) throw new InvalidProof('it is missing');
      return await verifyProof(proof, request);
    } catch (error) {
      if (!(error instanceof InvalidProof)) throw error;
      const challenge = { scheme: 'DPoP', error: 'invalid_dpop_proof' } as const;
      throw refuse(ctx, challenge, `The DPoP proof was refused: ${error.message}`);
    }
  }

  /** RFC 8705 §3: the certificate of this connection is the one the token was issued over. */
  function assertCertificate(ctx: Context, scheme: Scheme, facts: AccessTokenFacts) {
    const { certificateThumbprint } = facts;
    if (certificateThumbprint === undefined) return;
    const certificate = readCertificate(ctx.req);
    const presented = certificate && hash('sha256', certificate.raw, 'base64url');
    if (presented !== certificateThumbprint) {
      const message = 'The access token is bound to another client certificate';
      throw refuse(ctx, invalidToken(scheme), message);
    }
  }

  return async function authenticateRequest(ctx: Context, next: Next) {
    const presented = readAuthorization(ctx);
    const facts = await tokens.read(presented.token);
    if (!facts || facts.expiresAt.getTime() <= clock.now()) {
      throw refuse(
        ctx,
        invalidToken(presented.scheme),
        'The access token is unknown, expired or revoked',
      );
    }
    assertCertificate(ctx, presented.scheme, facts);
    await assertKey(ctx, presented, facts);
    ctx.state.token = facts;
    await next();
  };
}

interface Presented {
  readonly scheme: Scheme;
  readonly token: string;
}

/** The token comes in the Authorization header and nowhere else (FAPI 2.0 SP §5.3.4-2). */
function readAuthorization(ctx: Context): Presented {
  const [scheme, token, ...rest] = ctx.get('Authorization').split(/ +/);
  const known = schemes.find((name) => name.toLowerCase() === scheme?.toLowerCase());
  if (!known) throw refuse(ctx, undefined, 'A Bearer or DPoP access token is required');
  // RFC 6750 §2.1, `b64token`.
  if (!token || rest.length > 0 || !/^[\w.~+/-]+=*$/.test(token)) {
    throw refuse(ctx, invalidToken(known), 'The Authorization header is malformed');
  }
  return { scheme: known, token };
}

const schemes = ['Bearer', 'DPoP'] as const;

function invalidToken(scheme: Scheme): Challenge {
  return { scheme, error: 'invalid_token' };
}

/** RFC 6750 §3: a request without any token is told the schemes alone, without an error. */
function refuse(ctx: Context, challenge: Challenge | undefined, message: string): ApiError {
  const reason = challenge && `error="${challenge.error}", error_description="${message}"`;
  const algorithms = `algs="${dpopAlgorithms.join(' ')}"`;
  if (challenge?.scheme !== 'DPoP') {
    ctx.append('WWW-Authenticate', reason ? `Bearer ${reason}` : 'Bearer');
  }
  if (challenge?.scheme !== 'Bearer') {
    ctx.append('WWW-Authenticate', `DPoP ${reason ? `${reason}, ` : ''}${algorithms}`);
  }
  return new ApiError('Unauthorized', message);
}
