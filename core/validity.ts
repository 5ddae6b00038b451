import type { Connection } from './connection.js';
import type { Consent } from './consent.js';
import { isLost } from './sync-health.js';

/** What the person has to do so that the connection goes on. */
export type NextStep = 'none' | 'reconsent' | 'reauth' | 'refresh';

/** One of the two clocks of a connection. */
export interface ClockState {
  /** ISO 8601, or null where it has no end by itself. */
  readonly validUntil: string | null;
  /** `expiring` from five days before the end; `lost` where it ended before its time. */
  readonly state: 'valid' | 'expiring' | 'expired' | 'lost';
  readonly next: NextStep;
}

/**
 * The two clocks of a connection (architecture decision 22): whether the person still agrees, and
 * whether the bank still recognises them. Either can end without the other.
 */
export interface Validity {
  /** The one step that puts both right. */
  readonly next: NextStep;
  readonly consent: ClockState;
  readonly bankAuthentication: ClockState;
}

/** How long before the end a clock counts as expiring (milliseconds; identity-service.md §5). */
export const reminderPeriod = 5 * 86_400_000;

/** Reads both clocks. @param now milliseconds since the epoch. */
export function validityOf(connection: Connection, consent: Consent, now: number): Validity {
  const renewal = isReconsentable(connection, consent, now) ? 'reconsent' : 'reauth';
  const agreed = readClock(consent.expiresAt, now);
  const bank = readBankClock(connection, now);
  const consentNext = agreed.state === 'valid' ? 'none' : renewal;
  const bankNext = nextAtBank(connection, bank.state);
  return {
    next: bankNext === 'none' ? consentNext : bankNext,
    consent: { ...agreed, next: consentNext },
    bankAuthentication: { ...bank, next: bankNext },
  };
}

/**
 * Whether the consent can be extended without a visit to the bank (identity-service.md §4.4, 4.5). What
 * is over at the bank is not: it would open again what its person may have ended there.
 * @param now milliseconds since the epoch.
 */
export function isReconsentable(
  connection: Connection,
  { tppConsent }: Consent,
  now: number,
): boolean {
  const { state } = readBankClock(connection, now);
  const isOverAtBank = state === 'lost' || state === 'expired';
  return tppConsent && connection.kind !== 'legacy' && !isOverAtBank;
}

function readBankClock(connection: Connection, now: number): Omit<ClockState, 'next'> {
  const clock = readClock(connection.bankValidUntil, now);
  return isLost(connection) ? { ...clock, state: 'lost' } : clock;
}

function nextAtBank({ error }: Connection, state: ClockState['state']): NextStep {
  if (state === 'valid') return 'none';
  return error === 'mfa_required' ? 'refresh' : 'reauth';
}

function readClock(end: string | undefined, now: number): Omit<ClockState, 'next'> {
  if (end === undefined) return { validUntil: null, state: 'valid' };
  const left = Date.parse(end) - now;
  const state = left <= 0 ? 'expired' : left <= reminderPeriod ? 'expiring' : 'valid';
  return { validUntil: end, state };
}
