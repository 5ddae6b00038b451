import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { StorageConflict } from './storage.js';

/**
 * Runs a read-decide-commit again where somebody else's commit came between, a few times. Longer and
 * longer pauses, of random length, part those who would meet again.
 * @param attempts more of them where somebody else may be writing all the while, as a sync does.
 * @throws {StorageConflict} of the last attempt, and at once what else `work` throws.
 */
export async function retryConflict<Result>(
  work: () => Promise<Result>,
  attempts = 5,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StorageConflict) || attempt === attempts) throw error;
    }
    await wait(randomInt(Math.min(2 ** attempt, longestPause)));
  }
}

/** Between two attempts (milliseconds). */
const longestPause = 64;

/** So often is tried what ends something, for a second or two: it must not lose to what it ends. */
export const persistent = 50;
