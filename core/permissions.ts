/** UK Open Banking v3.1 account access permission codes, in the standard's order. */
export const permissionCodes = [
  'ReadAccountsBasic',
  'ReadAccountsDetail',
  'ReadBalances',
  'ReadBeneficiariesBasic',
  'ReadBeneficiariesDetail',
  'ReadDirectDebits',
  'ReadStandingOrdersBasic',
  'ReadStandingOrdersDetail',
  'ReadTransactionsBasic',
  'ReadTransactionsDetail',
  'ReadTransactionsCredits',
  'ReadTransactionsDebits',
  'ReadStatementsBasic',
  'ReadStatementsDetail',
  'ReadProducts',
  'ReadOffers',
  'ReadParty',
  'ReadPartyPSU',
  'ReadScheduledPaymentsBasic',
  'ReadScheduledPaymentsDetail',
  'ReadPAN',
] as const;

export type PermissionCode = (typeof permissionCodes)[number];

/** Whether permission codes allow a kind of data; a Detail code includes its Basic one (UK v3.1). */
export function permits(permissions: readonly string[], code: PermissionCode): boolean {
  return permissions.includes(code) || permissions.includes(code.replace(/Basic$/, 'Detail'));
}

/** What a connection asks for when the client names no permissions. */
export const defaultPermissions: readonly PermissionCode[] = [
  'ReadAccountsBasic',
  'ReadAccountsDetail',
  'ReadBalances',
  'ReadTransactionsBasic',
  'ReadTransactionsDetail',
  'ReadTransactionsCredits',
  'ReadTransactionsDebits',
];

/** What a person reads about a set of permissions: one cluster of data per line. */
export interface DataCluster {
  readonly title: string;
  readonly detail: readonly string[];
}

const clusters: readonly { title: string; lines: readonly [PermissionCode, string][] }[] = [
  {
    title: 'Your account details',
    lines: [
      ['ReadAccountsBasic', 'The name, type and currency of each account'],
      ['ReadAccountsDetail', 'Account numbers and sort codes'],
      ['ReadPAN', 'Card numbers'],
    ],
  },
  { title: 'Your balances', lines: [['ReadBalances', 'How much is in each account']] },
  {
    title: 'Your transactions',
    lines: [
      ['ReadTransactionsBasic', 'Amounts and dates'],
      ['ReadTransactionsDetail', 'Who was paid, and the descriptions'],
      ['ReadTransactionsCredits', 'Money coming in'],
      ['ReadTransactionsDebits', 'Money going out'],
    ],
  },
  {
    title: 'Your regular payments',
    lines: [
      ['ReadDirectDebits', 'Direct debits'],
      ['ReadStandingOrdersBasic', 'Standing orders'],
      ['ReadStandingOrdersDetail', 'Who your standing orders pay'],
      ['ReadBeneficiariesBasic', 'Payees you have saved'],
      ['ReadBeneficiariesDetail', 'Account details of payees you have saved'],
      ['ReadScheduledPaymentsBasic', 'Payments scheduled for later'],
      ['ReadScheduledPaymentsDetail', 'Who your scheduled payments go to'],
    ],
  },
  {
    title: 'Your statements',
    lines: [
      ['ReadStatementsBasic', 'Dates of your statements'],
      ['ReadStatementsDetail', 'What your statements say'],
    ],
  },
  {
    title: 'Your products and offers',
    lines: [
      ['ReadProducts', 'The products you hold'],
      ['ReadOffers', 'Offers made to you'],
    ],
  },
  {
    title: 'Your name and contact details',
    lines: [
      ['ReadParty', 'Name and address of the account holder'],
      ['ReadPartyPSU', 'Your own name and address'],
    ],
  },
];

/** The clusters that a set of permission codes opens, in plain words; unknown codes open nothing. */
export function describePermissions(permissions: readonly string[]): readonly DataCluster[] {
  return clusters
    .map(({ title, lines }) => ({
      title,
      detail: lines.filter(([code]) => permissions.includes(code)).map(([, text]) => text),
    }))
    .filter(({ detail }) => detail.length > 0);
}
