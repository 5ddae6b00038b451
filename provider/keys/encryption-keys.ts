import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { type Collection, insert, type Storage, StorageConflict } from '../../core/storage.js';

/** A private key that others encrypt to, sealed like every record. */
interface EncryptionKey {
  readonly jwk: JWK;
  /** ISO 8601 */
  readonly createdAt: string;
}

/** Encryption keys by their type. */
export const encryptionKeys: Collection<EncryptionKey> = {
  name: 'encryption_key',
  indexes: [],
  indexValues: () => ({}),
};

/** One key of each type. The elliptic one is for direct and for wrapped keys alike, so it names neither. */
const kinds = {
  RSA: { algorithm: 'RSA-OAEP-256', named: { alg: 'RSA-OAEP-256' } },
  EC: { algorithm: 'ECDH-ES', named: {} },
} as const;

/**
 * The private keys that clients encrypt request objects to, made on first start. Processes that start on
 * an empty store at once end with the same keys: the first insert wins and the others read it.
 * @returns JWKs with `kid` (RFC 7638 thumbprint) and `use`.
 */
export async function openEncryptionKeys(storage: Storage, now: Date): Promise<readonly JWK[]> {
  return Promise.all([openKey(storage, 'RSA', now), openKey(storage, 'EC', now)]);
}

async function openKey(storage: Storage, kind: keyof typeof kinds, now: Date): Promise<JWK> {
  const stored = await storage.get(encryptionKeys, kind);
  if (stored) return stored.value.jwk;
  const { algorithm, named } = kinds[kind];
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const bare = await exportJWK(privateKey);
  const jwk = { ...bare, ...named, kid: await calculateJwkThumbprint(bare), use: 'enc' };
  try {
    await storage.commit([insert(encryptionKeys, kind, { jwk, createdAt: now.toISOString() })]);
    return jwk;
  } catch (error) {
    if (error instanceof StorageConflict) return openKey(storage, kind, now);
    throw error;
  }
}
