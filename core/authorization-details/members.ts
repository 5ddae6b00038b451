import { z } from 'zod';

/** ISO 8601 with an offset. */
export const dateTime = z.iso
  .datetime({ offset: true })
  .refine((text) => !Number.isNaN(Date.parse(text)));

/** A list without repetition. */
export function listOf<Entry extends z.ZodType<string>>(entry: Entry, least: number, most: number) {
  return z
    .array(entry)
    .min(least)
    .max(most)
    .refine((values) => new Set(values).size === values.length);
}

/** What every type has (RFC 9396 §2.2), and how long it lasts. */
export const commonMembers = {
  locations: listOf(z.string().max(2048), 1, 10).optional(),
  /** Ids of the bank's; in a granted detail those that the person chose. */
  accounts: listOf(z.string().min(1).max(128), 1, 100).optional(),
  /** When the access ends; always there once it is granted. */
  accessUntil: dateTime.optional(),
};

/** `asked` where all of it is in `granted`; `granted` where nothing is asked. */
export function narrowList<Entry>(
  granted: readonly Entry[] | undefined,
  asked: readonly Entry[] | undefined,
): { readonly list: Entry[] | undefined } | undefined {
  if (asked === undefined || granted === undefined) return { list: copy(asked ?? granted) };
  return asked.every((entry) => granted.includes(entry)) ? { list: [...asked] } : undefined;
}

function copy<Entry>(list: readonly Entry[] | undefined): Entry[] | undefined {
  return list && [...list];
}

/** Whether a bound is no wider than the one that was granted; an absent one is none. */
export function isWithin(
  granted: string | undefined,
  asked: string | undefined,
  bound: 'start' | 'end',
): boolean {
  if (granted === undefined || asked === undefined) return true;
  const [one, other] = [Date.parse(granted), Date.parse(asked)];
  return bound === 'start' ? other >= one : other <= one;
}

/** The earlier of an end that was asked for and the latest there may be, ISO 8601. */
export function endOf(asked: string | undefined, latest: Date): string {
  const time = asked === undefined ? latest.getTime() : Date.parse(asked);
  return new Date(Math.min(time, latest.getTime())).toISOString();
}

/** What is wrong with an end, if anything is. @param now milliseconds since the epoch. */
export function findEndFault(accessUntil: string | undefined, now: number): string | undefined {
  const isOver = accessUntil !== undefined && Date.parse(accessUntil) <= now;
  return isOver ? 'accessUntil is in the past' : undefined;
}
