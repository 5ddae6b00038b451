import { randomBytes, randomInt } from 'node:crypto';
import type { BankCustomer } from '../../core/bank-ledger.js';
import type { Clock } from '../../core/clock.js';

/** How often the bank sends a code to somebody who gave the right password. */
export type CodeHabit = 'always' | 'every-12-hours' | 'never';

/** One browser that gave the right password. */
export interface Visit {
  readonly customer: BankCustomer;
  readonly login: string;
  /** The code that is still to be given; absent once the person is in. */
  readonly code?: string | undefined;
  readonly wrongCodes: number;
}

/** The message that a person's phone got last. */
export interface TextMessage {
  readonly login: string;
  readonly code: string;
  readonly sentAt: Date;
}

export interface Visits {
  /** Begins a visit. @param device the value of its cookie, where the browser has one. */
  begin(login: string, customer: BankCustomer, device: string | undefined): string;
  /** The visit of a session cookie, unless it was left alone for too long. */
  find(session: string | undefined): Visit | undefined;
  /**
   * Takes a code.
   * @returns the value of a device cookie, `wrong`, or `over` where it was wrong too often.
   */
  enterCode(session: string, code: string): { readonly device: string } | 'wrong' | 'over';
  /** Signs out, and trusts the device no longer. */
  end(session: string | undefined, device: string | undefined): void;
  /** As {@link end}, of everybody, whoever they are signed in with. */
  endAll(): void;
  readonly messages: readonly TextMessage[];
}

const idleMilliseconds = 15 * 60_000;
const trustMilliseconds = 12 * 3_600_000;
const wrongCodesAllowed = 2;

/** How often each demo person is asked for a code. */
const habits: Readonly<Record<string, CodeHabit>> = { daniel: 'never', priya: 'always' };

/** Who has signed in at the legacy bank; in memory, so that it forgets everybody when it stops. */
export function createVisits(clock: Clock): Visits {
  const visits = new Map<string, Visit & { readonly usedAt: number }>();
  const devices = new Map<string, { readonly login: string; readonly trustedUntil: number }>();
  const phones = new Map<string, TextMessage>();

  function isTrusted(login: string, device: string | undefined): boolean {
    const habit = habits[login] ?? 'every-12-hours';
    if (habit !== 'every-12-hours') return habit === 'never';
    const known = devices.get(device ?? '');
    return known?.login === login && known.trustedUntil > clock.now();
  }

  function keep(session: string, visit: Visit): void {
    visits.set(session, { ...visit, usedAt: clock.now() });
  }

  function find(session: string | undefined): Visit | undefined {
    const visit = visits.get(session ?? '');
    if (!visit || session === undefined) return undefined;
    if (clock.now() - visit.usedAt > idleMilliseconds) {
      visits.delete(session);
      return undefined;
    }
    keep(session, visit);
    return visit;
  }

  return {
    find,

    begin(login, customer, device) {
      const session = makeCookie();
      const code = isTrusted(login, device)
        ? undefined
        : String(randomInt(1_000_000)).padStart(6, '0');
      if (code !== undefined) phones.set(login, { login, code, sentAt: new Date(clock.now()) });
      keep(session, { customer, login, code, wrongCodes: 0 });
      return session;
    },

    enterCode(session, code) {
      const visit = find(session);
      if (!visit) return 'over';
      if (code !== visit.code) {
        const wrongCodes = visit.wrongCodes + 1;
        if (wrongCodes <= wrongCodesAllowed) {
          keep(session, { ...visit, wrongCodes });
          return 'wrong';
        }
        visits.delete(session);
        return 'over';
      }
      const device = makeCookie();
      devices.set(device, { login: visit.login, trustedUntil: clock.now() + trustMilliseconds });
      phones.delete(visit.login);
      keep(session, { ...visit, code: undefined });
      return { device };
    },

    end(session, device) {
      visits.delete(session ?? '');
      devices.delete(device ?? '');
    },

    endAll() {
      visits.clear();
      devices.clear();
    },

    get messages() {
      return [...phones.values()];
    },
  };
}

function makeCookie(): string {
  return randomBytes(32).toString('base64url');
}
