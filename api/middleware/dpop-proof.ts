import { type Collection, insert, type Storage, StorageConflict } from '../../core/storage.js';
import type { ReplayStore } from '../../resource/access-token.js';

/** DPoP proofs that were used, by SHA-256 of key and `jti`, for as long as they would be accepted. */
export const dpopProofs: Collection<Record<string, never>> = {
  name: 'dpop_proof',
  indexes: [],
  indexValues: () => ({}),
};

/** Remembers used proofs for every process on the store. */
export function createProofReplays(storage: Storage): ReplayStore {
  return {
    async use(id, until) {
      try {
        await storage.commit([insert(dpopProofs, id, {}, until)]);
        return true;
      } catch (error) {
        if (error instanceof StorageConflict) return false;
        throw error;
      }
    },
  };
}
