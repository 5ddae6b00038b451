import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * Wraps data keys under a master key that it never shows: locally with AES-256-GCM below, or by a
 * call to a KMS or HSM. Called at start and on rotation only, never on the path of a request.
 */
export interface KeyWrapper {
  wrap(key: Buffer): Promise<Buffer>;
  /** @throws where the master key is not the one that wrapped. */
  unwrap(wrapped: Buffer): Promise<Buffer>;
}

const nonceBytes = 12;
const tagBytes = 16;
const purpose = Buffer.from('assent data key');

/** A wrapper that holds the 32-byte master key in memory: `nonce ‖ tag ‖ ciphertext`. */
export function createLocalKeyWrapper(masterKey: Buffer): KeyWrapper {
  return {
    async wrap(key) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', masterKey, nonce).setAAD(purpose);
      const sealed = Buffer.concat([cipher.update(key), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
    },
    async unwrap(wrapped) {
      const nonce = wrapped.subarray(0, nonceBytes);
      const decipher = createDecipheriv('aes-256-gcm', masterKey, nonce, {
        authTagLength: tagBytes,
      })
        .setAAD(purpose)
        .setAuthTag(wrapped.subarray(nonceBytes, nonceBytes + tagBytes));
      const key = decipher.update(wrapped.subarray(nonceBytes + tagBytes));
      return Buffer.concat([key, decipher.final()]);
    },
  };
}
