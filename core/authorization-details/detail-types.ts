import { z } from 'zod';
import { parseJson } from '../parse-json.js';
import { accountInformation } from './account-information.js';
import type { AccountAccess, AuthorizationDetail, DetailType } from './detail-type.js';
import { paymentInitiation } from './payment-initiation.js';

/** Every type that there is; which of them a bank offers, it configures. */
export const detailTypes = {
  account_information: accountInformation,
  payment_initiation: paymentInitiation,
} satisfies Record<string, DetailType>;

export type DetailTypeName = keyof typeof detailTypes;

export const detailTypeNames = [
  'account_information',
  'payment_initiation',
] as const satisfies readonly DetailTypeName[];

/** A page that asks for more is not read any more. */
export const mostDetails = 10;

const detailsSchema = z.array(z.looseObject({ type: z.string() }));

/** The details of a parameter or a record; undefined where it is none. */
export function readDetails(value: unknown): readonly AuthorizationDetail[] | undefined {
  const { data } = detailsSchema.safeParse(parseJson(value));
  return data && data.length > 0 ? data : undefined;
}

/** What a type means. @throws TypeError for one that nobody knows, which is refused at the edge. */
export function detailTypeOf({ type }: AuthorizationDetail): DetailType {
  const [, known] = Object.entries(detailTypes).find(([name]) => name === type) ?? [];
  if (known) return known;
  throw new TypeError('an unknown type of authorization details');
}

/**
 * When a detail that is granted now ends.
 * @param latest when consents end that name no end.
 */
export function endOfDetail(
  detail: AuthorizationDetail,
  { now, latest }: { readonly now: Date; readonly latest: Date },
): Date {
  const life = detailTypeOf(detail).longestLife ?? Number.POSITIVE_INFINITY;
  const asked = Date.parse(String(detail.accessUntil));
  const ends = [latest.getTime(), now.getTime() + life * 1000, asked];
  return new Date(Math.min(...ends.filter((end) => !Number.isNaN(end))));
}

/** What is asked for, of what was granted; undefined where none of it covers that. */
export function narrowWithin(
  granted: readonly AuthorizationDetail[],
  asked: AuthorizationDetail,
): AuthorizationDetail | undefined {
  for (const detail of granted) {
    if (detail.type !== asked.type) continue;
    const narrowed = detailTypeOf(detail).narrow(detail, asked);
    if (narrowed) return narrowed;
  }
  return undefined;
}

/** Those whose end has not come. @param now milliseconds since the epoch. */
export function stillGranted(
  details: readonly AuthorizationDetail[],
  now: number,
): readonly AuthorizationDetail[] {
  return details.filter(({ accessUntil }) => Date.parse(String(accessUntil)) > now);
}

/** When the last of them ends, ISO 8601. */
export function lastEnd(details: readonly AuthorizationDetail[]): string {
  const ends = details.map(({ accessUntil }) => Date.parse(String(accessUntil)));
  return new Date(Math.max(...ends)).toISOString();
}

/** What details open at the account information API. */
export function accessOf(details: readonly AuthorizationDetail[]): readonly AccountAccess[] {
  return details
    .map((detail) => detailTypeOf(detail).access(detail))
    .filter((each) => each !== undefined);
}
