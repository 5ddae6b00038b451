import type { AuthorizationDetail } from './authorization-details/detail-type.js';
import { type PermissionCode, permissionCodes } from './permissions.js';
import type { Collection } from './storage.js';

/** UK Open Banking v3.1 `Status`; Rejected and Revoked are final, expiry is read from the clock. */
export type IntentStatus = 'AwaitingAuthorisation' | 'Authorised' | 'Rejected' | 'Revoked';

/** What a client asks to see. Times are ISO 8601 with an offset; an absent one sets no bound. */
export interface IntentTerms {
  readonly permissions: readonly PermissionCode[];
  readonly expiresAt?: string | undefined;
  readonly transactionFrom?: string | undefined;
  readonly transactionTo?: string | undefined;
}

/**
 * A consent registered at the bank before authorization (UK `account-access-consent`). It belongs to
 * one client, and from its first authorisation to one customer; the `oidc-provider` Grant that it
 * then owns has its id.
 */
export interface Intent extends IntentTerms {
  /** UUID; `ConsentId` on the wire. */
  readonly id: string;
  readonly clientId: string;
  readonly status: IntentStatus;
  /** ISO 8601 */
  readonly createdAt: string;
  readonly statusUpdatedAt: string;
  readonly customerId?: string | undefined;
  /** The accounts that the customer chose; none before the first authorisation. */
  readonly accountIds: readonly string[];
  /**
   * What the customer granted, where the client asked with `authorization_details` (RFC 9396): then this
   * says what may be seen of which account, and permissions and accounts are only a summary of it.
   */
  readonly authorizationDetails?: readonly AuthorizationDetail[] | undefined;
  /** The client manages it as a grant: tokens are given with its id. */
  readonly isManaged?: boolean | undefined;
}

/** Intents by id and by the customer who authorised them. */
export const intents: Collection<Intent> = {
  name: 'account_access_consent',
  indexes: ['customer', 'client'],
  indexValues: (intent) => ({ customer: intent.customerId, client: intent.clientId }),
};

/** Why terms cannot be registered: which member, whether its date is at fault, one sentence. */
export interface TermsFault {
  readonly member: keyof IntentTerms;
  readonly kind: 'value' | 'date';
  readonly message: string;
}

/** Whether a text is one of the standard's permission codes. */
export function isPermissionCode(text: string): text is PermissionCode {
  return permissionCodes.some((code) => code === text);
}

/**
 * The first rule of UK Open Banking v3.1 (account access consents, "Permissions" and "Expiration")
 * that the terms break, or undefined.
 * @param now milliseconds since the epoch.
 */
export function findTermsFault(terms: IntentTerms, now: number): TermsFault | undefined {
  const { permissions, expiresAt, transactionFrom, transactionTo } = terms;
  const asks = (...codes: PermissionCode[]) => codes.some((code) => permissions.includes(code));
  const reads = asks('ReadTransactionsBasic', 'ReadTransactionsDetail');
  const directions = asks('ReadTransactionsCredits', 'ReadTransactionsDebits');
  if (permissions.length === 0) {
    return fault('permissions', 'value', 'At least one permission is required');
  }
  if (reads && !directions) {
    return fault(
      'permissions',
      'value',
      'ReadTransactionsBasic and ReadTransactionsDetail need ReadTransactionsCredits or ReadTransactionsDebits',
    );
  }
  if (directions && !reads) {
    return fault(
      'permissions',
      'value',
      'ReadTransactionsCredits and ReadTransactionsDebits need ReadTransactionsBasic or ReadTransactionsDetail',
    );
  }
  if (expiresAt !== undefined && Date.parse(expiresAt) <= now) {
    return fault('expiresAt', 'date', 'The expiration must be in the future');
  }
  if (transactionFrom && transactionTo && Date.parse(transactionFrom) > Date.parse(transactionTo)) {
    return fault('transactionTo', 'date', 'The transaction window must end after it begins');
  }
  return undefined;
}

function fault(member: TermsFault['member'], kind: TermsFault['kind'], message: string) {
  return { member, kind, message };
}

/** In the place of an end where there is none: Grants and the store's records have to have one. */
const noEnd = new Date('9999-12-31T00:00:00Z');

/**
 * Until when a yes to these terms holds.
 * @param openEnded seconds, for terms without an end; 0: until somebody ends it.
 * @param now milliseconds since the epoch.
 */
export function endOfYes(
  { expiresAt }: Pick<IntentTerms, 'expiresAt'>,
  openEnded: number,
  now: number,
): Date {
  if (expiresAt !== undefined) return new Date(expiresAt);
  return openEnded === 0 ? noEnd : new Date(now + openEnded * 1000);
}

/** The end as people and clients are told it; undefined for none. */
export function toldEnd(end: Date): Date | undefined {
  return end.getTime() === noEnd.getTime() ? undefined : end;
}

/**
 * What is shared where a client asks for accounts and has registered no intent with terms of its own.
 * @param openEnded seconds that a yes holds; 0: until somebody ends it.
 * @param now milliseconds since the epoch.
 */
export function plainTerms(openEnded: number, now: number): IntentTerms {
  return {
    permissions: ['ReadAccountsDetail', 'ReadBalances'],
    expiresAt: toldEnd(endOfYes({}, openEnded, now))?.toISOString(),
  };
}

/** Whether its expiration has come. @param now milliseconds since the epoch. */
function isIntentExpired(intent: IntentTerms, now: number): boolean {
  return intent.expiresAt !== undefined && Date.parse(intent.expiresAt) <= now;
}

/** Whether the intent opens anything at `now` (milliseconds since the epoch). */
export function isIntentLive(intent: Intent, now: number): boolean {
  return intent.status === 'Authorised' && !isIntentExpired(intent, now);
}

/**
 * Whether a customer may be asked to authorise it: new, or in force and to be confirmed again. What they
 * granted detail by detail is changed as a grant.
 */
export function isIntentAuthorisable(intent: Intent, now: number): boolean {
  const open = intent.status === 'AwaitingAuthorisation' || intent.status === 'Authorised';
  return open && !isIntentExpired(intent, now) && intent.authorizationDetails === undefined;
}

/** Whether a customer may authorise it: its own customer, or anyone before the first yes. */
export function belongsTo(intent: Intent, customerId: string): boolean {
  return intent.customerId === undefined || intent.customerId === customerId;
}

/** Whether a customer may be asked to add to it, or to replace what it holds: it is in force. */
export function isGrantOf(intent: Intent, clientId: string, now: number): boolean {
  return intent.clientId === clientId && isIntentLive(intent, now);
}
