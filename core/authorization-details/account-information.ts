import { z } from 'zod';
import { describePermissions, type PermissionCode } from '../permissions.js';
import { defineDetailType } from './detail-type.js';
import {
  commonMembers,
  dateTime,
  endOf,
  findEndFault,
  isWithin,
  listOf,
  narrowList,
} from './members.js';

const actions = ['list_accounts', 'read_balances', 'read_transactions'] as const;
const datatypes = ['account_numbers', 'transaction_information'] as const;

const schema = z
  .strictObject({
    type: z.literal('account_information'),
    actions: listOf(z.enum(actions), 1, actions.length),
    /** What is seen of accounts and transactions besides the essentials. */
    datatypes: listOf(z.enum(datatypes), 1, datatypes.length).optional(),
    ...commonMembers,
    /** Booked from and up to; ISO 8601. */
    transactionsFrom: dateTime.optional(),
    transactionsTo: dateTime.optional(),
  })
  .refine(
    ({ transactionsFrom: from, transactionsTo: to }) =>
      from === undefined || to === undefined || Date.parse(from) < Date.parse(to),
    { path: ['transactionsTo'] },
  )
  .refine(
    ({ actions: asked, transactionsFrom, transactionsTo }) =>
      asked.includes('read_transactions') ||
      (transactionsFrom === undefined && transactionsTo === undefined),
    { path: ['actions'] },
  );

type AccountInformation = z.infer<typeof schema>;

/**
 * `account_information` (RFC 9396 §2, the example of its introduction): to list accounts, and to read
 * their balances and transactions.
 */
export const accountInformation = defineDetailType<AccountInformation>({
  schema,

  findFault: ({ accessUntil }, now) => findEndFault(accessUntil, now),

  describe(detail) {
    const { transactionsFrom, transactionsTo, accounts } = detail;
    return {
      title: 'to see data from your accounts',
      clusters: describePermissions(permissionsOf(detail)),
      rows: [
        ...(transactionsFrom === undefined
          ? []
          : [{ term: 'Transactions since', value: { at: new Date(transactionsFrom) } }]),
        ...(transactionsTo === undefined
          ? []
          : [{ term: 'Transactions until', value: { at: new Date(transactionsTo) } }]),
      ],
      choose: 'several',
      among: accounts,
    };
  },

  grant(detail, { accountIds, until }) {
    if (accountIds.length === 0) return undefined;
    return { ...detail, accounts: [...accountIds], accessUntil: endOf(detail.accessUntil, until) };
  },

  narrow(granted, asked) {
    const chosen = narrowList(granted.accounts, asked.accounts);
    const locations = narrowList(granted.locations, asked.locations);
    const narrower = {
      actions: asked.actions.every((action) => granted.actions.includes(action)),
      datatypes: (asked.datatypes ?? []).every((datatype) => granted.datatypes?.includes(datatype)),
      from: isWithin(granted.transactionsFrom, asked.transactionsFrom, 'start'),
      to: isWithin(granted.transactionsTo, asked.transactionsTo, 'end'),
      end: isWithin(granted.accessUntil, asked.accessUntil, 'end'),
    };
    if (!chosen || !locations || Object.values(narrower).includes(false)) return undefined;
    const reads = asked.actions.includes('read_transactions');
    const from = reads ? (asked.transactionsFrom ?? granted.transactionsFrom) : undefined;
    const to = reads ? (asked.transactionsTo ?? granted.transactionsTo) : undefined;
    return {
      type: granted.type,
      actions: asked.actions,
      ...(asked.datatypes && { datatypes: asked.datatypes }),
      ...(locations.list && { locations: locations.list }),
      ...(chosen.list && { accounts: chosen.list }),
      ...(from !== undefined && { transactionsFrom: from }),
      ...(to !== undefined && { transactionsTo: to }),
      accessUntil: asked.accessUntil ?? granted.accessUntil,
    };
  },

  access: (detail) => ({
    permissions: permissionsOf(detail),
    accountIds: detail.accounts ?? [],
    transactionFrom: detail.transactionsFrom,
    transactionTo: detail.transactionsTo,
  }),
});

/** In the words of UK Open Banking, by which the account information API decides. */
function permissionsOf(detail: AccountInformation): readonly PermissionCode[] {
  const can = (action: (typeof actions)[number]) => detail.actions.includes(action);
  const sees = (datatype: (typeof datatypes)[number]) => detail.datatypes?.includes(datatype);
  const permissions: PermissionCode[] = [];
  if (can('list_accounts')) {
    permissions.push('ReadAccountsBasic');
    if (sees('account_numbers')) permissions.push('ReadAccountsDetail');
  }
  if (can('read_balances')) permissions.push('ReadBalances');
  if (can('read_transactions')) {
    permissions.push('ReadTransactionsBasic');
    if (sees('transaction_information')) permissions.push('ReadTransactionsDetail');
    permissions.push('ReadTransactionsCredits', 'ReadTransactionsDebits');
  }
  return permissions;
}
