import { z } from 'zod';
import type { Connection } from './connection.js';
import type { Consent } from './consent.js';
import { type JobKind, schedule, unschedule } from './job.js';
import type { Write } from './storage.js';
import { reminderPeriod } from './validity.js';

/** Whether a client was told of a consent's end, since that was set. */
const toldSchema = z.object({ consentExpired: z.number().optional() });

export type Told = z.infer<typeof toldSchema>;

/** Looks at a connection's consent when something is to be said of it; the key is the connection's id. */
export const consentClock: JobKind<Told> = { name: 'consent-clock', data: toldSchema };

/** When the next of each is due (milliseconds since the epoch; Infinity for never). */
export interface ConsentDues {
  readonly reauthReminder: number;
  readonly refreshReminder: number;
  readonly consentExpired: number;
}

/** What of a connection its reminders depend on. */
type Watched = Pick<Connection, 'kind' | 'connectedOn' | 'lastUpdated' | 'bankValidUntil'>;

const never = Number.POSITIVE_INFINITY;
/** Between two reminders, and what a legacy connection may go without an update (identity-service.md §5). */
const reminderInterval = 2 * 86_400_000;

/**
 * The write that has a consent looked at when it is about to end: reminders, and then its expiry. It
 * belongs into every commit that gives a consent its end or moves it, or the bank's.
 */
export function watchConsent(consent: Consent, connection: Watched): Write {
  const dues = Object.values(consentDues(consent, connection, {}));
  return schedule(consentClock, consent.connectionId, new Date(Math.min(...dues)), {});
}

/** The write for the commit that ends the connection. */
export function unwatchConsent(connectionId: string): Write {
  return unschedule(consentClock, connectionId);
}

/** One-time access has nobody to remind: it only ends. */
export function consentDues(
  { access, expiresAt, reminded, history }: Consent,
  connection: Watched,
  told: Told,
): ConsentDues {
  const consentExpired = told.consentExpired ? never : Date.parse(expiresAt);
  if (access === 'one-time') {
    return { reauthReminder: never, refreshReminder: never, consentExpired };
  }
  const end = Math.min(Date.parse(expiresAt), readTime(connection.bankValidUntil));
  const isLegacy = connection.kind === 'legacy';
  return {
    reauthReminder: Math.max(end - reminderPeriod, after(reminded?.reauthReminder)),
    // What the person has just renewed is being fetched.
    refreshReminder: isLegacy
      ? Math.max(
          lastUpdate(connection) + reminderInterval,
          after(history.at(-1)?.at),
          after(reminded?.refreshReminder),
        )
      : never,
    consentExpired,
  };
}

/** Milliseconds since the epoch: when the connection's data last arrived, or else it was made. */
export function lastUpdate({ lastUpdated, connectedOn }: Watched): number {
  return Date.parse(lastUpdated ?? connectedOn);
}

function after(time: string | undefined): number {
  return time === undefined ? 0 : Date.parse(time) + reminderInterval;
}

function readTime(text: string | undefined): number {
  return text === undefined ? never : Date.parse(text);
}
