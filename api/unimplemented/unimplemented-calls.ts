/** A call of the hosted service that is answered with 501 here. */
export interface UnimplementedCall {
  readonly method: string;
  /** As OpenAPI writes it: `/payees/{id}`. */
  readonly path: string;
  /** The access token needs one of these, all of one that names several; without any, no token. */
  readonly scopes: readonly string[];
  /** What it belongs to, a noun in the plural. */
  readonly what: string;
}

type Line = `${'GET' | 'POST' | 'PATCH' | 'DELETE'} /${string}`;

/** A list and one of it. */
const read = (path: string): readonly Line[] => [`GET /${path}`, `GET /${path}/{id}`];

/**
 * What is outside of an account information service (identity-service.md §1.9): by kind, then by what
 * the token needs (`|` between alternatives).
 */
const surface: Readonly<Record<string, Readonly<Record<string, readonly Line[]>>>> = {
  Payees: {
    'payee:create': ['POST /payees'],
    'payee:read': read('payees'),
  },
  Payments: { 'payment:read': read('payments') },
  'Standing orders by payment': { 'payment:read': read('standing-orders') },
  'Recurring payments': {
    'recurring_payment:read': read('recurring-payments'),
    'recurring_payment:create': [
      'POST /recurring-payments/{id}/pay',
      'DELETE /recurring-payments/{id}',
    ],
    'recurring_payment:funds_confirmation': ['POST /recurring-payments/{id}/funds-confirmation'],
  },
  'Pay links': {
    'pay_link:create': ['POST /pay-links'],
    'pay_link:read': read('pay-links'),
  },
  'Pay files': { 'pay_file:write': ['POST /pay-file/upload-file'] },
  'Reseller checks': { 'reseller:create': ['POST /reseller-check'] },
  'Accounts kept by hand': {
    'accounts:read accounts:write:all': [
      'POST /v3/accounts',
      'PATCH /v3/accounts/{id}',
      'POST /v3/accounts/{id}/balances',
    ],
    'accounts:write:all': ['DELETE /v3/accounts/{id}'],
  },
  Holdings: {
    'accounts:read': [
      'GET /v3/accounts/{id}/holdings',
      'GET /v3/accounts/{id}/holdings-with-matches',
      'GET /v3/accounts/{id}/holdings/{holdingId}',
    ],
  },
  'Counterparties and recurring transactions': {
    'accounts:read transactions:read:all': [
      'GET /v3/accounts/{id}/counterparties',
      'POST /v3/accounts/{id}/recurring-transactions',
    ],
    '': ['GET /v3/global-counterparties'],
  },
  'Standing orders': {
    'standing_orders:read | standing_orders_detail:read': ['GET /v3/accounts/{id}/standing-orders'],
  },
  Statements: {
    'statements_basic:read | statements_detail:read': ['GET /v3/accounts/{id}/statements'],
  },
  'Notification thresholds': {
    'accounts:read': ['GET /v3/accounts/{id}/notification-thresholds'],
    'accounts:read accounts:write': [
      'POST /v3/accounts/{id}/notification-thresholds',
      'PATCH /v3/accounts/{id}/notification-thresholds/{thresholdId}',
      'DELETE /v3/accounts/{id}/notification-thresholds/{thresholdId}',
    ],
  },
  Beneficiaries: {
    'beneficiaries:read | beneficiaries_detail:read': read('v3/beneficiaries'),
  },
  'Transactions kept by hand': {
    'transactions:read:all transactions:write:all': [
      'POST /v3/transactions',
      'POST /v3/transactions-collection',
      'PATCH /v3/transactions/{id}',
    ],
    'transactions:write:all': ['DELETE /v3/transactions/{id}'],
  },
  'Transaction files': {
    'transactions:read:all transactions:write': [
      'POST /v3/transactions/{id}/files',
      'GET /v3/transactions/{id}/files',
      'GET /v3/transactions/{id}/files/{fileId}',
      'DELETE /v3/transactions/{id}/files/{fileId}',
    ],
  },
  'Transaction splits': {
    'transactions:read:all': ['GET /v3/transactions/{id}/splits'],
    'transactions:write:all': [
      'POST /v3/transactions/{id}/splits',
      'PATCH /v3/transactions/{id}/splits/{splitId}',
      'DELETE /v3/transactions/{id}/splits',
    ],
  },
  Categories: {
    'categories:read': ['GET /v3/categories', 'GET /v3/categories/{id}', 'GET /v3/category-groups'],
    'categories:read categories:write': ['POST /v3/categories'],
    '': ['GET /v3/standard-categories', 'GET /v3/standard-category-groups'],
    categorisation: ['POST /v3/categorise-transactions'],
  },
  'Regular transactions': {
    'accounts:read regular_transactions:read transactions:read:all': [
      'GET /v3/regular-transactions',
    ],
  },
  'Spending analyses': { 'spending_analysis:read': ['POST /v3/spending-analysis'] },
  'Spending goals': {
    'spending_goals:read': read('v3/spending-goals'),
    'spending_goals:read spending_goals:write:all': ['POST /v3/spending-goals'],
    'spending_goals:read spending_goals:write': ['PATCH /v3/spending-goals/{id}'],
    'spending_goals:write:all': ['DELETE /v3/spending-goals/{id}'],
  },
  'Savings goals': {
    'savings_goals:read': read('v3/savings-goals'),
    'savings_goals:read savings_goals:write:all': ['POST /v3/savings-goals'],
    'savings_goals:read savings_goals:write': ['PATCH /v3/savings-goals/{id}'],
    'savings_goals:write:all': ['DELETE /v3/savings-goals/{id}'],
  },
  Projects: {
    'projects:read': read('v3/projects'),
    'projects:write': ['POST /v3/projects', 'PATCH /v3/projects/{id}'],
    'projects:delete': ['DELETE /v3/projects/{id}'],
  },
  'Tax returns': { 'tax:read': ['GET /v3/tax'] },
  'Rental records': {
    'rental_records:read': ['GET /v3/rental-records'],
    'rental_records:write': ['POST /v3/rental-records', 'DELETE /v3/rental-records/{id}'],
  },
  'Affordability reports': {
    'affordability:read affordability:write': ['POST /v3/affordability'],
    'affordability:read': read('v3/affordability'),
  },
  'Standard financial statements': {
    'standard_financial_statement:read': read('v3/standard-financial-statements'),
  },
};

/** Every call of the published client that is not implemented here; also for the documentation. */
export const unimplementedCalls: readonly UnimplementedCall[] = Object.entries(surface).flatMap(
  ([what, byScopes]) =>
    Object.entries(byScopes).flatMap(([scopes, lines]) =>
      lines.map((line) => {
        const [method = '', path = ''] = line.split(' ');
        return { method, path, scopes: scopes === '' ? [] : scopes.split(' | '), what };
      }),
    ),
);
