import type { Consent } from './consent.js';

/** A half-open span of time: `from` belongs to it, `to` does not. */
export interface Window {
  readonly from: Date;
  readonly to: Date;
}

const day = 86_400_000;
const recentDays = 90;
/** How far a later sync looks back before the last one: banks book late, and pending ones settle. */
const overlapDays = 14;
/** The most months of history that any consent shares (identity service §3.3). */
const monthsOfHistory = 72;

/**
 * The earliest booking that may be shared.
 * @param monthsShared how many months of history the bank shares at most, where it says so.
 * @param now milliseconds since the epoch.
 */
export function earliestShared(monthsShared: number | undefined, now: number): Date {
  const earliest = new Date(now);
  const months = Math.min(monthsShared ?? monthsOfHistory, monthsOfHistory);
  earliest.setUTCMonth(earliest.getUTCMonth() - months);
  return earliest;
}

/**
 * The bookings that a consent shares: from the earliest that consent and bank allow to tomorrow,
 * because banks date some bookings ahead. Parameters as of {@link earliestShared}.
 */
export function consentedWindow(
  { transactionFrom }: Consent,
  monthsShared: number | undefined,
  now: number,
): Window {
  const earliest = earliestShared(monthsShared, now).getTime();
  const from = Math.max(earliest, transactionFrom ? Date.parse(transactionFrom) : earliest);
  return { from: new Date(from), to: new Date(now + day) };
}

/** The last 90 days of a window: what a client waits for when it redeems a code. */
export function recentPart({ from, to }: Window, now: number): Window {
  return { from: new Date(Math.max(+from, now - recentDays * day)), to };
}

/** What of a window lies before its {@link recentPart}; may be empty. */
export function earlierPart(window: Window, now: number): Window {
  return { from: window.from, to: recentPart(window, now).from };
}

/** What of a window may have changed since all of it was fetched (`at`). */
export function changedPart({ from, to }: Window, at: Date): Window {
  return { from: new Date(Math.max(+from, +at - overlapDays * day)), to };
}
