import type { AuthorizationDetail } from '../../core/authorization-details/detail-type.js';
import { detailTypeOf } from '../../core/authorization-details/detail-types.js';
import type { LedgerAccount } from '../../core/bank-ledger.js';

/** The form field of the accounts of one detail. */
export function fieldOf(index: number): string {
  return `account-${index}`;
}

/** The accounts that may be chosen for a detail. */
export function choosable(
  detail: AuthorizationDetail,
  held: readonly LedgerAccount[],
): readonly LedgerAccount[] {
  const { among } = detailTypeOf(detail).describe(detail);
  return among === undefined ? held : held.filter(({ id }) => among.includes(id));
}

/**
 * What a customer has decided about each detail, in a form with the accounts they chose for it.
 * @param latest when consents end that name no end.
 * @returns what they grant, in the order it was asked.
 */
export function decideDetails(
  asked: readonly AuthorizationDetail[],
  form: Readonly<Record<string, string>>,
  { held, now, latest }: { held: readonly LedgerAccount[]; now: Date; latest: Date },
): readonly AuthorizationDetail[] {
  return asked.flatMap((detail, index) => {
    const type = detailTypeOf(detail);
    const ticked = (form[fieldOf(index)] ?? '').split(' ');
    const accountIds = choosable(detail, held)
      .map(({ id }) => id)
      .filter((id) => ticked.includes(id));
    const life = type.longestLife ?? Number.POSITIVE_INFINITY;
    const until = new Date(Math.min(latest.getTime(), now.getTime() + life * 1000));
    return type.grant(detail, { accountIds, until }) ?? [];
  });
}
