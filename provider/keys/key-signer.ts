import type { JWK } from 'jose';

/**
 * Where private keys live that never come into this process: a KMS, an HSM. A module that exports
 * `createKeySigner` is named by `signing.external` (docs/keys.md). Every call may fail or be slow: what
 * had to be signed is then refused with `temporarily_unavailable`, and no other key takes its place.
 */
export interface KeySigner {
  /**
   * Makes a key pair.
   * @param algorithm of JWS: `ES256`, `PS256` or `RS256` (RSA of at least 2048 bits).
   * @returns the name by which {@link sign} finds it, and its public half.
   */
  createKey(algorithm: string): Promise<{ readonly id: string; readonly publicJwk: JWK }>;
  /**
   * Signs as RFC 7518 §3 has it: for ES256 the 64 bytes of R and S, not ASN.1. What the published key
   * does not verify is never given out.
   * @param signal aborts when nobody waits any more.
   */
  sign(
    key: { readonly id: string; readonly algorithm: string; readonly kid: string },
    data: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array>;
  /** Destroys a key that will never sign again. It may be called again, and one that is gone is no error. */
  destroyKey(id: string): Promise<void>;
  /** Lets go of what it holds, when the process stops. */
  close?(): Promise<void>;
}
