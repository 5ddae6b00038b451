import { hash, type X509Certificate } from 'node:crypto';
import type { TokenFacts, TokenReader } from './access-token.js';
import { type Challenge, describeChallenge, type Scheme, schemes } from './challenge.js';
import type { DpopNonces } from './dpop-nonces.js';
import {
  createProofVerifier,
  InvalidProof,
  NonceNeeded,
  type ProofVerifierDeps,
} from './dpop-proof.js';

/** A request as a resource sees it, whatever framework brought it. */
export interface ResourceRequest {
  readonly method: string;
  /** Under the resource's own public origin, never under the request's `Host` (SEC-52). */
  readonly url: URL;
  /** Header fields by lower-case name; several of one name joined by `, `. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The one that the caller proved possession of on this TLS connection, where there is one. */
  readonly certificate: X509Certificate | undefined;
}

/** What a call needs besides a live token from its rightful sender. */
export interface Requirements {
  /** One of these; none asked for where it is absent or empty. */
  readonly scopes?: readonly string[] | undefined;
  /** RFC 9470: one of these authentication contexts. */
  readonly acrValues?: readonly string[] | undefined;
  /** RFC 9470: seconds since the person was authenticated, at most. */
  readonly maxAge?: number | undefined;
}

/** 503: nobody can say at the moment what the token is. */
type Status = 400 | 401 | 403 | 503;

/** A call that is refused: what to answer, for the framework's own way of answering. */
export class AccessRefused extends Error {
  override readonly name = 'AccessRefused';
  readonly status: Status;
  /**
   * RFC 6750 §3.1, RFC 9449 §7.1, RFC 9470 §3, and of 503 `temporarily_unavailable`; absent where no
   * token came at all.
   */
  readonly error: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Whose token it is, where that is known; whoever sent it need not be them. */
  clientId?: string;

  constructor(
    status: Status,
    message: string,
    challenges: readonly Challenge[],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.error = status === 503 ? 'temporarily_unavailable' : challenges[0]?.error;
    const all = challenges.map((challenge) => describeChallenge(challenge, message));
    this.headers = { ...headers, ...(all.length > 0 && { 'www-authenticate': all.join(', ') }) };
  }
}

export interface GuardDeps<Facts extends TokenFacts> extends ProofVerifierDeps {
  readonly tokens: TokenReader<Facts>;
  /** Whether every token must be bound to its sender (FAPI 2.0 SP §5.3.4). */
  readonly requiresBinding?: boolean;
}

export interface Guard<Facts extends TokenFacts> {
  /**
   * Lets a request through whose token is live, is presented by the one it is bound to (RFC 6750,
   * RFC 8705 §3, RFC 9449 §7) and meets the requirements.
   * @throws {AccessRefused}
   */
  admit(request: ResourceRequest, requirements?: Requirements): Promise<Facts>;
}

/** Everything that a protected resource must check (FAPI 2.0 SP §5.3.4; FAPI 1.0 Advanced §6.2.1). */
export function createGuard<Facts extends TokenFacts>(deps: GuardDeps<Facts>): Guard<Facts> {
  const { tokens, now, nonces, requiresBinding = false } = deps;
  const verifyProof = createProofVerifier(deps);

  async function prove(request: ResourceRequest, token: string): Promise<string> {
    const proof = header(request, 'dpop');
    try {
      if (!proof) throw new InvalidProof('it is missing');
      const { method, url } = request;
      return await verifyProof(proof, { method, url, accessToken: token });
    } catch (error) {
      if (nonces && error instanceof NonceNeeded) throw refuseNonce(nonces);
      if (!(error instanceof InvalidProof)) throw error;
      const challenge = { scheme: 'DPoP', error: 'invalid_dpop_proof' } as const;
      throw refuse(`The DPoP proof was refused: ${error.message}`, challenge);
    }
  }

  /** RFC 9449 §7.1: the scheme, the proof and the token's binding go together or not at all. */
  async function assertKey(request: ResourceRequest, { scheme, token }: Presented, facts: Facts) {
    if (facts.keyThumbprint === undefined) {
      if (scheme === 'Bearer') return;
      throw refuse('The access token is not bound to a DPoP key', invalidToken('Bearer'));
    }
    if (scheme === 'Bearer') {
      throw refuse('The access token is bound to a DPoP key', invalidToken('DPoP'));
    }
    if ((await prove(request, token)) !== facts.keyThumbprint) {
      throw refuse('The access token is bound to another DPoP key', invalidToken('DPoP'));
    }
  }

  return {
    async admit(request, requirements = {}) {
      const presented = readAuthorization(request);
      const facts = await tokens.read(presented.token);
      if (!facts || facts.expiresAt.getTime() <= now()) {
        const challenge = invalidToken(presented.scheme);
        throw refuse('The access token is unknown, expired or revoked', challenge);
      }
      try {
        if (requiresBinding) assertBound(presented.scheme, facts);
        assertCertificate(request, presented.scheme, facts);
        await assertKey(request, presented, facts);
        assertRequirements(presented.scheme, facts, requirements, now());
      } catch (error) {
        if (error instanceof AccessRefused) error.clientId = facts.clientId;
        throw error;
      }
      return facts;
    },
  };
}

interface Presented {
  readonly scheme: Scheme;
  readonly token: string;
}

/** The token comes in the Authorization header and nowhere else (FAPI 2.0 SP §5.3.4-2). */
function readAuthorization(request: ResourceRequest): Presented {
  const [scheme, token, ...rest] = (header(request, 'authorization') ?? '').split(/ +/);
  const known = schemes.find((name) => name.toLowerCase() === scheme?.toLowerCase());
  if (!known) {
    // RFC 6750 §3: a request without any token is told the schemes alone, without an error.
    const both = schemes.map((name) => ({ scheme: name }));
    throw new AccessRefused(401, 'A Bearer or DPoP access token is required', both);
  }
  // RFC 6750 §2.1, `b64token`.
  if (!token || rest.length > 0 || !/^[\w.~+/-]+=*$/.test(token)) {
    throw refuse('The Authorization header is malformed', invalidToken(known));
  }
  // RFC 6750 §2, §3.1: more than one method, also where both say the same.
  if (request.url.searchParams.has('access_token')) {
    const challenge = { scheme: known, error: 'invalid_request' } as const;
    throw new AccessRefused(400, 'An access token stands in the query, too', [challenge]);
  }
  return { scheme: known, token };
}

function assertBound(scheme: Scheme, facts: TokenFacts): void {
  if (facts.certificateThumbprint === undefined && facts.keyThumbprint === undefined) {
    throw refuse('The access token is bound to no certificate and no key', invalidToken(scheme));
  }
}

/** RFC 8705 §3: the certificate of this connection is the one the token was issued over. */
function assertCertificate(request: ResourceRequest, scheme: Scheme, facts: TokenFacts): void {
  const { certificateThumbprint } = facts;
  if (certificateThumbprint === undefined) return;
  const { certificate } = request;
  const presented = certificate && hash('sha256', certificate.raw, 'base64url');
  if (presented !== certificateThumbprint) {
    throw refuse('The access token is bound to another client certificate', invalidToken(scheme));
  }
}

function assertRequirements(
  scheme: Scheme,
  { scopes: granted, acr, authenticatedAt }: TokenFacts,
  { scopes = [], acrValues = [], maxAge }: Requirements,
  now: number,
): void {
  if (scopes.length > 0 && !scopes.some((scope) => granted.has(scope))) {
    const challenge = { scheme, error: 'insufficient_scope', scope: scopes.join(' ') } as const;
    throw new AccessRefused(403, `The access token needs the scope ${scopes.join(' or ')}`, [
      challenge,
    ]);
  }
  const weak = acrValues.length > 0 && !(acr !== undefined && acrValues.includes(acr));
  const age = authenticatedAt && (now - authenticatedAt.getTime()) / 1000;
  const stale = maxAge !== undefined && !(age !== undefined && age <= maxAge);
  if (weak || stale) {
    throw refuse(
      weak ? 'A stronger authentication is needed' : 'A fresher authentication is needed',
      {
        scheme,
        error: 'insufficient_user_authentication',
        ...(weak && { acrValues: acrValues.join(' ') }),
        ...(stale && { maxAge }),
      },
    );
  }
}

function header({ headers }: ResourceRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value.join(', ');
}

function invalidToken(scheme: Scheme): Challenge {
  return { scheme, error: 'invalid_token' };
}

function refuse(message: string, challenge: Challenge): AccessRefused {
  return new AccessRefused(401, message, [challenge]);
}

function refuseNonce(nonces: DpopNonces): AccessRefused {
  const challenge = { scheme: 'DPoP', error: 'use_dpop_nonce' } as const;
  const headers = { 'dpop-nonce': nonces.current() };
  return new AccessRefused(401, 'The DPoP proof needs our nonce', [challenge], headers);
}
