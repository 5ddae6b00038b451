import { createHmac, timingSafeEqual } from 'node:crypto';

/** Server-provided DPoP nonces (RFC 9449 §9), the same in every process that has the secret. */
export interface DpopNonces {
  /** For the `DPoP-Nonce` header of an answer. */
  current(): string;
  /** Whether a proof's `nonce` is ours and recent. */
  accepts(nonce: string | undefined): boolean;
}

/** A nonce is given out for this long, and accepted for as long again (milliseconds). */
const period = 120_000;

/**
 * Nonces that need no store: each is a keyed hash of its period of time.
 * @param secret 32 bytes or more, shared by the processes of one resource.
 * @param now milliseconds since the epoch.
 */
export function createDpopNonces(secret: Uint8Array, now: () => number = Date.now): DpopNonces {
  if (secret.length < 32) throw new RangeError('the secret of DPoP nonces needs 32 bytes');
  const nonceOf = (index: number) =>
    createHmac('sha256', secret).update(`dpop-nonce:${index}`).digest();
  const index = () => Math.floor(now() / period);

  return {
    current: () => nonceOf(index()).toString('base64url'),
    accepts(nonce) {
      const given = Buffer.from(nonce ?? '', 'base64url');
      return [0, 1].some((back) => {
        const expected = nonceOf(index() - back);
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
    },
  };
}
