import type { Clock } from './clock.js';
import { retryConflict } from './retry-conflict.js';
import {
  type Collection,
  insert,
  remove,
  type Storage,
  StorageConflict,
  update,
  type Write,
} from './storage.js';

/** Attempts by what they are counted for; a name that people type is never stored. */
export const attempts: Collection<{ readonly spent: number }> = {
  name: 'login_attempt',
  secretIds: true,
  indexes: [],
  indexValues: () => ({}),
};

/** What attempts are counted for, and how many of them there may be in a window. */
export interface AttemptLimit {
  readonly key: string;
  readonly most: number;
}

/** From the first attempt (seconds): long enough to make guessing useless, short enough to wait. */
const windowSeconds = 15 * 60;

interface AttemptsDeps {
  readonly storage: Storage;
  readonly clock: Clock;
}

/**
 * Takes one attempt of each budget before what is guessed is looked at, so that parallel guesses, from
 * however many places and processes, cannot share one.
 * @param tries how often it is tried where others take one at the same time; more of them where nothing
 * is guessed.
 * @returns false where one of them has none left.
 */
export async function spendAttempt(
  { storage, clock }: AttemptsDeps,
  limits: readonly AttemptLimit[],
  tries?: number,
): Promise<boolean> {
  async function takeOne({ key, most }: AttemptLimit): Promise<Write | undefined> {
    const stored = await storage.get(attempts, key);
    if (!stored) {
      return insert(attempts, key, { spent: 1 }, new Date(clock.now() + windowSeconds * 1000));
    }
    const spent = stored.value.spent + 1;
    return spent > most ? undefined : update(attempts, stored, { spent });
  }

  try {
    return await retryConflict(async () => {
      const writes = await Promise.all(limits.map(takeOne));
      const taken = writes.filter((write) => write !== undefined);
      if (taken.length < limits.length) return false;
      await storage.commit(taken);
      return true;
    }, tries);
  } catch (error) {
    // So many at once is guessing.
    if (error instanceof StorageConflict) return false;
    throw error;
  }
}

/** Whether a budget has an attempt left; what is spent once the answer is known may be spent meanwhile. */
export async function hasAttempt(storage: Storage, { key, most }: AttemptLimit): Promise<boolean> {
  const stored = await storage.get(attempts, key);
  return (stored?.value.spent ?? 0) < most;
}

/** What gives all attempts of a budget back, for the commit of the success. */
export function restoreAttempts(key: string): Write {
  return remove(attempts, key);
}
