import { StorageConflict } from './storage.js';

const attempts = 5;

/**
 * Runs a read-decide-commit again where somebody else's commit came between, a few times.
 * @throws {StorageConflict} of the last attempt, and at once what else `work` throws.
 */
export async function retryConflict<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StorageConflict) || attempt === attempts) throw error;
    }
  }
}
