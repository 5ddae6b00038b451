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

/** Attempts by `login:<name>` or `interaction:<uid>`; a name that people type is never stored. */
export const loginAttempts: Collection<{ readonly spent: number }> = {
  name: 'login_attempt',
  secretIds: true,
  indexes: [],
  indexValues: () => ({}),
};

/** How often a password may be guessed, whoever guesses and from however many places at once. */
export interface LoginBudget {
  /**
   * Takes one attempt before the password is looked at, so that parallel guesses cannot share one.
   * @returns false where the login or the interaction has none left. Unknown logins have a budget
   * too: being locked out tells nobody who banks here.
   */
  spend(login: string, interactionUid: string): Promise<boolean>;
  /** What gives the login its attempts back, to be committed with the successful sign-in. */
  restore(login: string): Write;
}

const limits = { login: 5, interaction: 15 };

/** From the first attempt (seconds): long enough to make guessing useless, short enough to wait. */
const windowSeconds = 15 * 60;

/** See {@link LoginBudget}. */
export function createLoginBudget(deps: {
  readonly storage: Storage;
  readonly clock: Clock;
}): LoginBudget {
  const { storage, clock } = deps;

  /** One more attempt under a key, or undefined where the limit is reached. */
  async function takeOne(id: string, limit: number): Promise<Write | undefined> {
    const stored = await storage.get(loginAttempts, id);
    if (!stored) {
      const expiresAt = new Date(clock.now() + windowSeconds * 1000);
      return insert(loginAttempts, id, { spent: 1 }, expiresAt);
    }
    const spent = stored.value.spent + 1;
    return spent > limit ? undefined : update(loginAttempts, stored, { spent });
  }

  return {
    async spend(login, interactionUid) {
      try {
        return await retryConflict(async () => {
          const [ofLogin, ofInteraction] = await Promise.all([
            takeOne(keyOf(login), limits.login),
            takeOne(`interaction:${interactionUid}`, limits.interaction),
          ]);
          if (!ofLogin || !ofInteraction) return false;
          await storage.commit([ofLogin, ofInteraction]);
          return true;
        });
      } catch (error) {
        // So many at once for one login is guessing.
        if (error instanceof StorageConflict) return false;
        throw error;
      }
    },

    restore: (login) => remove(loginAttempts, keyOf(login)),
  };
}

/** One budget for all ways of typing a login. */
function keyOf(login: string): string {
  return `login:${login.normalize('NFKC').trim().toLowerCase()}`;
}
