import type { AuthorizationDetail } from '../../core/authorization-details/detail-type.js';
import {
  detailTypeOf,
  endOfDetail,
  narrowWithin,
} from '../../core/authorization-details/detail-types.js';
import type { LedgerAccount } from '../../core/bank-ledger.js';

/** The form field of the accounts of one detail. */
export function fieldOf(index: number): string {
  return `account-${index}`;
}

/**
 * The accounts that may be chosen for a detail.
 * @param staying what stays granted whatever is decided: its accounts are not chosen again, for nobody
 * could leave them out. A payment is made once for each yes.
 */
export function choosable(
  detail: AuthorizationDetail,
  held: readonly LedgerAccount[],
  staying: readonly AuthorizationDetail[] = [],
): readonly LedgerAccount[] {
  const { among, choose } = detailTypeOf(detail).describe(detail);
  const isNew = (id: string) =>
    choose === 'one' || narrowWithin(staying, { ...detail, accounts: [id] }) === undefined;
  return held.filter(({ id }) => (among === undefined || among.includes(id)) && isNew(id));
}

/** What decisions about details are made on. */
interface Grounds {
  readonly held: readonly LedgerAccount[];
  readonly staying?: readonly AuthorizationDetail[];
  readonly now: Date;
  /** When consents end that name no end. */
  readonly latest: Date;
}

/**
 * What a customer has decided about each detail, in a form with the accounts they chose for it.
 * @returns what they grant, in the order it was asked.
 */
export function decideDetails(
  asked: readonly AuthorizationDetail[],
  form: Readonly<Record<string, string>>,
  { held, staying, now, latest }: Grounds,
): readonly AuthorizationDetail[] {
  return asked.flatMap((detail, index) => {
    const ticked = (form[fieldOf(index)] ?? '').split(' ');
    const accountIds = choosable(detail, held, staying)
      .map(({ id }) => id)
      .filter((id) => ticked.includes(id));
    const until = endOfDetail(detail, { now, latest });
    return detailTypeOf(detail).grant(detail, { accountIds, until }) ?? [];
  });
}

/** Whether a yes to none of the details is one: it leaves a grant as it is. A payment wants an answer. */
export function mayAddNothing(
  asked: readonly AuthorizationDetail[],
  staying: readonly AuthorizationDetail[],
): boolean {
  const several = asked.filter((detail) => detailTypeOf(detail).describe(detail).choose !== 'one');
  return staying.length > 0 && (several.length > 0 || asked.length > 1);
}
