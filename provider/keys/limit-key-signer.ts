import { setTimeout as wait } from 'node:timers/promises';
import type { KeySigner } from './key-signer.js';

type Limits = Readonly<Record<'createKey' | 'sign' | 'destroyKey', number>>;

/** Longest wait for an answer (milliseconds). Small HSMs need some time for an RSA key. */
const patience: Limits = { createKey: 30_000, sign: 5_000, destroyKey: 5_000 };

/** A signer each of whose calls fails where it takes too long; a key that it makes too late is destroyed. */
export function limitKeySigner(signer: KeySigner, limits: Limits = patience): KeySigner {
  return {
    async createKey(algorithm) {
      const making = signer.createKey(algorithm);
      try {
        return await within(limits.createKey, () => making);
      } catch (error) {
        making.then(({ id }) => signer.destroyKey(id)).catch(() => undefined);
        throw error;
      }
    },
    sign: (key, data, signal) =>
      within(limits.sign, (late) => signer.sign(key, data, AbortSignal.any([signal, late]))),
    destroyKey: (id) => within(limits.destroyKey, () => signer.destroyKey(id)),
    close: async () => signer.close?.(),
  };
}

/** @param work is told by its signal when nobody waits any more. */
async function within<Result>(
  limit: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const given = new AbortController();
  try {
    const late = wait(limit, undefined, { signal: given.signal }).then(() => {
      throw new TypeError('the external signer did not answer in time');
    });
    // Raced before the work begins, which may throw at once: else nobody would hear how the wait ends.
    return await Promise.race([late, (async () => work(given.signal))()]);
  } finally {
    given.abort();
  }
}
