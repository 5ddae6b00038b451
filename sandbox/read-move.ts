import { z } from 'zod';
import { Refusal } from '../core/refusal.js';
import { backwards } from './movable-clock.js';

const unitMilliseconds: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

const dateSchema = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

/**
 * Reads where an operator wants the time to be: `+90d` from now (`m`, `h`, `d` or `w`), a date (its
 * midnight, UTC), or a date and time with its zone (ISO 8601).
 * @param now milliseconds since the epoch.
 * @throws {Refusal} `invalid_request`
 */
export function readMove(text: string, now: number): Date {
  if (text.startsWith('-')) throw backwards();
  const { count, unit = '' } = /^\+(?<count>\d{1,6})(?<unit>[mhdw])$/.exec(text)?.groups ?? {};
  if (count !== undefined) return new Date(now + Number(count) * (unitMilliseconds[unit] ?? 0));
  const { data: date } = dateSchema.safeParse(text);
  if (date !== undefined) return new Date(date);
  throw new Refusal(
    'invalid_request',
    'Please give a date as year-month-day, e.g. 2028-02-19, or how far to move, e.g. +5d.',
  );
}
