import { hash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { z } from 'zod';
import type { ReplayStore } from './access-token.js';
import { dpopAlgorithms } from './challenge.js';
import type { DpopNonces } from './dpop-nonces.js';

/** How far `iat` may lie from now, either way (RFC 9449 §11.1; FAPI 2.0 SP §5.3.2.1-13), seconds. */
const acceptanceSeconds = 60;

const claimsSchema = z.object({
  jti: z.string().min(1),
  htm: z.string(),
  htu: z.string(),
  iat: z.number(),
  ath: z.string(),
  nonce: z.string().min(1).optional(),
});

/** A proof that does not prove; the message says which rule it breaks. */
export class InvalidProof extends Error {
  override readonly name = 'InvalidProof';
}

/** A proof that holds but for its nonce, which is none of ours that is recent (RFC 9449 §9). */
export class NonceNeeded extends Error {
  override readonly name = 'NonceNeeded';
}

/** The request a proof must have been made for. */
export interface ProvenRequest {
  readonly method: string;
  readonly url: URL;
  readonly accessToken: string;
}

export interface ProofVerifierDeps {
  readonly replays: ReplayStore;
  /** Where given, proofs must carry a nonce of ours. */
  readonly nonces?: DpopNonces | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Checks DPoP proofs at protected resources (RFC 9449 §4.3 and §7) and uses each up.
 * @returns a function that gives the RFC 7638 thumbprint of the key, base64url SHA-256, and throws
 * {@link InvalidProof} and {@link NonceNeeded}.
 */
export function createProofVerifier({ replays, nonces, now }: ProofVerifierDeps) {
  return async function verifyProof(proof: string, request: ProvenRequest): Promise<string> {
    const { jti, iat, htm, htu, ath, nonce, thumbprint } = await readProof(proof, now());
    refuseUnless(Math.abs(now() / 1000 - iat) <= acceptanceSeconds, 'iat is too far from now');
    refuseUnless(htm === request.method, 'htm is not the method of the request');
    refuseUnless(isSameResource(htu, request.url), 'htu is not the URL of the request');
    refuseUnless(ath === hash('sha256', request.accessToken, 'base64url'), 'ath is another token');
    // Before the proof is used up: everybody's first one comes without.
    if (nonces && !nonces.accepts(nonce)) throw new NonceNeeded();
    // The key is part of the id: one client's `jti` must not use up another's.
    const id = hash('sha256', `${thumbprint}.${jti}`, 'base64url');
    const isFirst = await replays.use(id, new Date((iat + acceptanceSeconds + 1) * 1000));
    refuseUnless(isFirst, 'the proof was already used');
    return thumbprint;
  };
}

/** `typ`, `alg`, the embedded public key, the signature and the types of the claims. */
async function readProof(proof: string, now: number) {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: dpopAlgorithms,
      typ: 'dpop+jwt',
      currentDate: new Date(now),
      clockTolerance: acceptanceSeconds,
    });
    const claims = claimsSchema.parse(payload);
    return { ...claims, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk ?? {}) };
  } catch (cause) {
    // Nothing but the proof is at work here. The key it brings fails in Web Crypto's own ways too:
    // a point off its curve is a DOMException, a short RSA modulus a TypeError.
    throw new InvalidProof('it is not a signed DPoP proof', { cause });
  }
}

/** RFC 9449 §4.3-9: equal without query and fragment, after normalisation as RFC 3986 §6.2.2 has it. */
function isSameResource(htu: string, url: URL): boolean {
  // RFC 3986 §2: what the parser would leave out, or read as a slash, is in no URI.
  if (!/^[!-~]+$/.test(htu) || htu.includes('\\')) return false;
  const claimed = URL.parse(htu);
  if (claimed?.origin !== url.origin || claimed.username || claimed.password) return false;
  return unescapeNeedless(claimed.pathname) === unescapeNeedless(url.pathname);
}

/** Case and dots are the URL parser's work; unreserved characters it leaves escaped (§6.2.2.2). */
function unescapeNeedless(path: string): string {
  return path.replace(/%[0-9a-f]{2}/gi, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : escaped.toUpperCase();
  });
}

function refuseUnless(condition: boolean, rule: string): void {
  if (!condition) throw new InvalidProof(rule);
}
