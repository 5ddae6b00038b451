import type { GrantedPart } from '../../consent-ui/components/granted-parts.js';
import { detailTypeOf, stillGranted } from '../../core/authorization-details/detail-types.js';
import type { LedgerAccount } from '../../core/bank-ledger.js';
import { endOfYes, type Intent, toldEnd } from '../../core/intent.js';
import { describePermissions, permissionCodes, permits } from '../../core/permissions.js';

/** What a customer's yes has come to: what is seen of which of their accounts, and until when. */
export function describeGranted(
  intent: Intent,
  accounts: readonly LedgerAccount[],
  { now, openEndedIntent }: { readonly now: number; readonly openEndedIntent: number },
): readonly GrantedPart[] {
  const named = (ids: readonly string[]) =>
    accounts
      .filter(({ id }) => ids.includes(id))
      .map(({ nickname, accountNumber }) => ({ name: nickname, number: accountNumber }));
  if (intent.authorizationDetails) {
    return stillGranted(intent.authorizationDetails, now).map((detail) => {
      const { title, clusters, rows, among = [] } = detailTypeOf(detail).describe(detail);
      return {
        ...{ title, rows, accounts: named(among) },
        sees: clusters.map((cluster) => cluster.title),
        until: new Date(String(detail.accessUntil)),
      };
    });
  }
  const { permissions, accountIds, transactionFrom, statusUpdatedAt } = intent;
  const seen = describePermissions(permissionCodes.filter((code) => permits(permissions, code)));
  const from =
    transactionFrom === undefined
      ? []
      : [{ term: 'Transactions since', value: { at: new Date(transactionFrom) } }];
  return [
    {
      title: 'to see data from your accounts',
      accounts: named(accountIds),
      sees: seen.map((cluster) => cluster.title),
      rows: from,
      until: toldEnd(endOfYes(intent, openEndedIntent, Date.parse(statusUpdatedAt))),
    },
  ];
}
