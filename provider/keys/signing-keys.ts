import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { type Collection, insert, type Storage, StorageConflict } from '../../core/storage.js';

/** What a private signing key is as stored: sealed like every record. */
interface SigningKey {
  readonly jwk: JWK;
  /** ISO 8601 */
  readonly createdAt: string;
}

/** Signing keys by algorithm. */
export const signingKeys: Collection<SigningKey> = {
  name: 'signing_key',
  indexes: [],
  indexValues: () => ({}),
};

/**
 * The provider's private signing keys, one per algorithm, made on first start. Processes that start
 * on an empty store at once end with the same keys: the first insert wins and the others read it.
 * @param algorithms in order of preference: the first is what a client gets that names none.
 * @returns JWKs with `kid` (RFC 7638 thumbprint), `alg` and `use`.
 */
export async function loadSigningKeys(
  storage: Storage,
  algorithms: readonly string[],
  now: Date,
): Promise<JWK[]> {
  return Promise.all(algorithms.map((algorithm) => loadSigningKey(storage, algorithm, now)));
}

async function loadSigningKey(storage: Storage, algorithm: string, now: Date): Promise<JWK> {
  const stored = await storage.get(signingKeys, algorithm);
  if (stored) return stored.value.jwk;
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  const key = { jwk: { ...jwk, kid, alg: algorithm, use: 'sig' }, createdAt: now.toISOString() };
  try {
    await storage.commit([insert(signingKeys, algorithm, key)]);
    return key.jwk;
  } catch (error) {
    if (error instanceof StorageConflict) return loadSigningKey(storage, algorithm, now);
    throw error;
  }
}
