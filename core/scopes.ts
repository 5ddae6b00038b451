import { Refusal } from './refusal.js';

/**
 * What is not offered, see `api/unimplemented/`: a client gets its token, so that the call itself can
 * say so. Discovery does not list these.
 */
const unofferedManagementScopes = [
  'payee:create',
  'payee:read',
  'payment:read',
  'pay_link:create',
  'pay_link:read',
  'recurring_payment:create',
  'recurring_payment:read',
  'recurring_payment:funds_confirmation',
  'pay_file:write',
  'reseller:create',
  'categorisation',
];
const unofferedDataScopes = [
  'categories:write',
  'spending_goals:read',
  'spending_goals:write',
  'savings_goals:read',
  'savings_goals:write',
  'projects:read',
  'projects:write',
  'projects:delete',
  'tax:read',
  'rental_records:read',
  'rental_records:write',
  'affordability:read',
  'affordability:write',
  'standard_financial_statement:read',
];
const unofferedManagedScopes = ['spending_goals:write:all', 'savings_goals:write:all'];

/** Known, and to be registered for a client like any other; but nothing comes of them. */
export const unofferedScopes: readonly string[] = [
  ...unofferedManagementScopes,
  ...unofferedDataScopes,
  ...unofferedManagedScopes,
];

/**
 * The scopes of the identity service and where each may be asked for. Everything that is not a data
 * scope, a chooser or a bank is here once; a scope that stands nowhere is unknown and refused.
 */
const managementScopes = new Set([
  'user:create',
  'user:read',
  'user:update',
  'user:delete',
  'connection:read',
  'connection:update',
  'connection:delete',
  'auth_requests:read',
  'auth_requests:write',
  'consent_history:read',
  'scim_user:read',
  'scim_user:write',
  'scim_user:subtenants:assign',
  'webhooks:read',
  'webhooks:write',
  ...unofferedManagementScopes,
]);

/** Data of one person: from a one-time code, or by client_credentials with `sub`. */
const dataScopes = new Set([
  'accounts:read',
  'accounts_details:read',
  'transactions:read:all',
  'transactions:read:in',
  'transactions:read:out',
  'transactions_unenriched:read:all',
  'transactions_unenriched:read:in',
  'transactions_unenriched:read:out',
  'transactions:write',
  'accounts:write',
  'standing_orders:read',
  'standing_orders_detail:read',
  'beneficiaries:read',
  'beneficiaries_detail:read',
  'statements_basic:read',
  'statements_detail:read',
  'categories:read',
  'spending_analysis:read',
  'regular_transactions:read',
  ...unofferedDataScopes,
]);

/** Data scopes that only a client which manages the user itself may have. */
const managedDataScopes = new Set([
  'accounts:write:all',
  'transactions:write:all',
  ...unofferedManagedScopes,
]);

/** What a person is sent for, besides a new connection. */
const visitScopes = ['reauth', 'reconsent', 'refresh'] as const;
export type VisitScope = (typeof visitScopes)[number];

/** The scopes of OpenID Connect itself; all others are scopes of a resource. */
export const openidScopes: readonly string[] = ['openid', 'offline_access'];

/** Of the API of a bank: account information (UK Open Banking), and UserInfo, which is a part of it. */
export const bankScopes: readonly string[] = ['openid', 'accounts'];

const bankScope = /^id:[0-9a-z_-]{1,64}$/;

const exclusive = [
  ['transactions:read:all', 'transactions:read:in', 'transactions:read:out'],
  [
    'transactions_unenriched:read:all',
    'transactions_unenriched:read:in',
    'transactions_unenriched:read:out',
  ],
];

/** What `scopes_supported` lists besides one `id:<bank>` per institution. */
export const supportedScopes: readonly string[] = [
  ...openidScopes,
  'id:all',
  'id:api',
  'id:legacy',
  'id:test',
  ...visitScopes,
  ...managementScopes,
  ...dataScopes,
  ...managedDataScopes,
].filter((scope) => !unofferedScopes.includes(scope));

/** Whether a token with this scope reads or writes one person's data. */
export function isDataScope(scope: string): boolean {
  return dataScopes.has(scope) || managedDataScopes.has(scope);
}

/** Whether a client's registration may name a scope; one of a bank that is not here yet, too. */
export function isKnownScope(scope: string): boolean {
  return (
    openidScopes.includes(scope) ||
    isVisitScope(scope) ||
    managementScopes.has(scope) ||
    isDataScope(scope) ||
    bankScope.test(scope)
  );
}

/** The `<bank>` of the one `id:<bank>` scope, or undefined where there is none. */
export function institutionOfScope(scopes: readonly string[]): string | undefined {
  return scopes.find((scope) => scope.startsWith('id:'))?.slice('id:'.length);
}

/** Whether a scope sends a person to renew a connection. */
export function isVisitScope(scope: string): scope is VisitScope {
  return visitScopes.some((known) => known === scope);
}

/** The one of reauth, reconsent and refresh that is asked for, or undefined where none is. */
export function visitScopeOf(scopes: readonly string[]): VisitScope | undefined {
  return scopes.find(isVisitScope);
}

/**
 * Whether a client's registered scopes allow one. `id:all` allows every bank, and without any
 * `scope` in its metadata a client is not limited.
 */
export function isScopeAllowed(scope: string, registered: string | undefined): boolean {
  if (registered === undefined) return true;
  const allowed = registered.split(' ');
  return allowed.includes(scope) || (scope.startsWith('id:') && allowed.includes('id:all'));
}

/**
 * The rules for the scopes of an authorization request (identity service, scope reference).
 * @throws {Refusal} `invalid_scope` with the rule that was broken.
 */
export function assertAuthorizationScopes(
  scopes: readonly string[],
  registered: string | undefined,
): void {
  for (const scope of scopes) {
    const known =
      openidScopes.includes(scope) ||
      isVisitScope(scope) ||
      dataScopes.has(scope) ||
      bankScope.test(scope);
    refuseUnless(known, `scope ${quote(scope)} cannot be requested here`);
    refuseUnless(
      isScopeAllowed(scope, registered),
      `scope ${quote(scope)} is not registered for this client`,
    );
  }
  const banks = scopes.filter((scope) => scope.startsWith('id:'));
  const visits = scopes.filter(isVisitScope);
  refuseUnless(scopes.includes('openid'), 'scope openid is required');
  refuseUnless(banks.length <= 1, 'only one id:<bank> scope may be requested');
  refuseUnless(
    visits.length === 0 || scopes.every((scope) => scope === 'openid' || visits[0] === scope),
    `scope ${visits[0]} may only be accompanied by openid`,
  );
  refuseUnless(
    banks.length + visits.length === 1,
    'one of id:<bank>, reauth, reconsent or refresh must be requested',
  );
  assertDataScopes(scopes);
}

/**
 * The rules for the scopes of a client_credentials grant.
 * @param hasSubject whether the request names the person by `sub`.
 * @throws {Refusal} `invalid_scope`, or `invalid_request` where data is asked for nobody.
 */
export function assertClientCredentialsScopes(
  scopes: readonly string[],
  registered: string | undefined,
  hasSubject: boolean,
): void {
  for (const scope of scopes) {
    refuseUnless(
      managementScopes.has(scope) || isDataScope(scope),
      `scope ${quote(scope)} cannot be requested with client_credentials`,
    );
    refuseUnless(
      isScopeAllowed(scope, registered),
      `scope ${quote(scope)} is not registered for this client`,
    );
  }
  assertDataScopes(scopes);
  if (!hasSubject && scopes.some(isDataScope)) {
    throw new Refusal('invalid_request', 'sub must name the person whose data is requested');
  }
}

function assertDataScopes(scopes: readonly string[]): void {
  for (const group of exclusive) {
    refuseUnless(
      scopes.filter((scope) => group.includes(scope)).length <= 1,
      `only one of ${group.join(', ')} may be requested`,
    );
  }
  refuseUnless(
    !scopes.includes('transactions:write') ||
      scopes.some((scope) => scope.startsWith('transactions:read:')),
    'transactions:write needs one of the transactions:read scopes',
  );
}

function refuseUnless(condition: boolean, message: string): void {
  if (!condition) throw new Refusal('invalid_scope', message);
}

/** Scopes come from outside: quoted short, in the characters RFC 6749 §5.2 allows a description. */
function quote(scope: string): string {
  return `'${scope.replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '?').slice(0, 80)}'`;
}
