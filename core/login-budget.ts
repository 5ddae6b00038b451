import { restoreAttempts, spendAttempt } from './attempts.js';
import type { Clock } from './clock.js';
import type { Storage, Write } from './storage.js';

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

/** See {@link LoginBudget}. */
export function createLoginBudget(deps: {
  readonly storage: Storage;
  readonly clock: Clock;
}): LoginBudget {
  return {
    spend: (login, interactionUid) =>
      spendAttempt(deps, [
        { key: keyOf(login), most: limits.login },
        { key: `interaction:${interactionUid}`, most: limits.interaction },
      ]),

    restore: (login) => restoreAttempts(keyOf(login)),
  };
}

/** One budget for all ways of typing a login. */
function keyOf(login: string): string {
  return `login:${login.normalize('NFKC').trim().toLowerCase()}`;
}
