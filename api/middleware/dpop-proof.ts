import { hash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import { type Collection, insert, type Storage, StorageConflict } from '../../core/storage.js';

/** DPoP proofs that were used, by SHA-256 of key and `jti`, for as long as they would be accepted. */
export const dpopProofs: Collection<Record<string, never>> = {
  name: 'dpop_proof',
  indexes: [],
  indexValues: () => ({}),
};

export const dpopAlgorithms = ['ES256', 'PS256', 'EdDSA', 'Ed25519'];

/** How far `iat` may lie from now, either way (RFC 9449 §11.1; FAPI 2.0 SP §5.3.2.1-13), seconds. */
const acceptanceSeconds = 60;

const claimsSchema = z.object({
  jti: z.string().min(1),
  htm: z.string(),
  htu: z.string(),
  iat: z.number(),
  ath: z.string(),
});

/** A proof that does not prove; the message says which rule it breaks. */
export class InvalidProof extends Error {
  override readonly name = 'InvalidProof';
}

/** The request a proof must have been made for. */
export interface ProvenRequest {
  readonly method: string;
  readonly url: URL;
  readonly accessToken: string;
}

interface ProofDeps {
  readonly storage: Storage;
  readonly clock: Clock;
}

/**
 * Checks DPoP proofs at protected resources (RFC 9449 §4.3 and §7) and uses each up.
 * @returns a function from proof and request to the RFC 7638 thumbprint of the proven key, base64url;
 * it throws {@link InvalidProof}.
 */
export function createProofVerifier({ storage, clock }: ProofDeps) {
  return async function verifyProof(proof: string, request: ProvenRequest): Promise<string> {
    const { jti, iat, htm, htu, ath, thumbprint } = await readProof(proof, clock.now());
    const now = clock.now() / 1000;
    refuseUnless(Math.abs(now - iat) <= acceptanceSeconds, 'iat is too far from now');
    refuseUnless(htm === request.method, 'htm is not the method of the request');
    refuseUnless(isSameResource(htu, request.url), 'htu is not the URL of the request');
    refuseUnless(ath === hash('sha256', request.accessToken, 'base64url'), 'ath is another token');
    try {
      // The key is part of the id: one client's `jti` must not use up another's.
      const id = hash('sha256', `${thumbprint}.${jti}`, 'base64url');
      const expiresAt = new Date((iat + acceptanceSeconds + 1) * 1000);
      await storage.commit([insert(dpopProofs, id, {}, expiresAt)]);
    } catch (error) {
      if (error instanceof StorageConflict) throw new InvalidProof('the proof was already used');
      throw error;
    }
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
  const claimed = URL.parse(htu);
  return claimed?.origin === url.origin && claimed.pathname === url.pathname && !claimed.username;
}

function refuseUnless(condition: boolean, rule: string): void {
  if (!condition) throw new InvalidProof(rule);
}
