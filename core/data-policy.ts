import type { AccessTokenFacts } from './access-token.js';
import type { Account, BankAccountRecord, Transaction } from './account.js';
import type { Connection } from './connection.js';
import { type Consent, isLive } from './consent.js';
import { permits } from './permissions.js';
import { Refusal } from './refusal.js';

/** A connection and the consent in force for it. */
export interface ConsentedConnection {
  readonly connection: Connection;
  readonly consent: Consent;
}

/** What one token may read of one connection; whatever is not here stays inside. */
export interface ReadableConnection {
  readonly connectionId: string;
  /** The accounts that the person chose at the bank. */
  readonly accountIds: ReadonlySet<string>;
  readonly accounts: boolean;
  readonly accountDetails: boolean;
  readonly balances: boolean;
  readonly credits: boolean;
  readonly debits: boolean;
  readonly descriptions: boolean;
  /** ISO 8601: nothing booked before is shared. */
  readonly transactionFrom: string | undefined;
}

/**
 * Decides a data call: what a token may read, and of which connections. Scopes of the token and
 * permissions of the person's consent each only narrow what the other allows.
 * @param links the connections of the token's subject, each with its consent in force.
 * @param now milliseconds since the epoch.
 * @throws {Refusal} `forbidden` where the token speaks for no person, or what they agreed to is over,
 * here or at the bank.
 */
export function decideReadable(
  token: AccessTokenFacts,
  links: readonly ConsentedConnection[],
  now: number,
): readonly ReadableConnection[] {
  if (token.subject === undefined) {
    throw new Refusal('forbidden', 'The access token names no person whose data to read');
  }
  const connected = links.filter((link) => isConnected(token, link));
  const live = connected.filter(({ consent }) => isLive(consent, now));
  const readable = live.filter(({ connection }) => connection.endedAtBankOn === undefined);
  // Nothing connected is an empty answer; what was shared and is no more, a refusal.
  if (readable.length === 0 && live.length > 0) {
    throw new Refusal(
      'forbidden',
      'The person ended this access at their bank; reauth opens what was fetched before again',
    );
  }
  if (readable.length === 0 && (token.grantId !== undefined || connected.length > 0)) {
    throw new Refusal(
      'forbidden',
      'The consent behind this access token is no longer in force; the validity of the connection says what to do',
    );
  }
  return readable.map((link) => toReadable(token.scopes, link));
}

function isConnected(
  token: AccessTokenFacts,
  { connection, consent }: ConsentedConnection,
): boolean {
  const parties = [connection, consent].every(
    ({ clientId, userId }) => clientId === token.clientId && userId === token.subject,
  );
  return (
    parties &&
    connection.consentId === consent.id &&
    consent.connectionId === connection.id &&
    connection.status !== 'pending' &&
    // A token from a code opens what that code was given for, and nothing else of the person.
    (token.grantId === undefined || token.grantId === consent.id)
  );
}

function toReadable(
  scopes: ReadonlySet<string>,
  { connection, consent }: ConsentedConnection,
): ReadableConnection {
  const { permissions } = consent;
  const accounts = scopes.has('accounts:read') && permits(permissions, 'ReadAccountsBasic');
  const transactions = permits(permissions, 'ReadTransactionsBasic');
  const all = scopes.has('transactions:read:all');
  return {
    connectionId: connection.id,
    accountIds: new Set(connection.accountIds),
    accounts,
    accountDetails:
      accounts && scopes.has('accounts_details:read') && permissions.includes('ReadAccountsDetail'),
    balances: accounts && permissions.includes('ReadBalances'),
    credits:
      transactions &&
      (all || scopes.has('transactions:read:in')) &&
      permissions.includes('ReadTransactionsCredits'),
    debits:
      transactions &&
      (all || scopes.has('transactions:read:out')) &&
      permissions.includes('ReadTransactionsDebits'),
    descriptions: permissions.includes('ReadTransactionsDetail'),
    transactionFrom: consent.transactionFrom,
  };
}

/** An account without what may not be read of it. */
export type ReadableAccount = Omit<Account, 'bank'> & { readonly bank: BankAccountRecord };

/** What may be read of an account, or undefined where that is nothing. */
export function readableAccount(account: Account, connection: ReadableConnection) {
  if (!connection.accounts || !isChosen(account, connection)) return undefined;
  const { balance, identification, ...basic } = account.bank;
  return {
    ...account,
    bank: {
      ...basic,
      ...(connection.balances && balance && { balance }),
      ...(connection.accountDetails && identification && { identification }),
    },
  } satisfies ReadableAccount;
}

/** A transaction without what may not be read of it. */
export interface ReadableTransaction extends Omit<Transaction, 'bank'> {
  readonly bank: Omit<Transaction['bank'], 'description'> & { readonly description?: string };
}

/**
 * What may be read of a transaction of one of the connection's accounts, or undefined where that is
 * nothing.
 */
export function readableTransaction(
  transaction: Transaction,
  connection: ReadableConnection,
): ReadableTransaction | undefined {
  const { description, ...basic } = transaction.bank;
  const { credits, debits, descriptions, transactionFrom } = connection;
  const mayRead =
    connection.accountIds.has(transaction.accountId) &&
    (basic.amount < 0 ? debits : credits) &&
    (transactionFrom === undefined || Date.parse(basic.bookedAt) >= Date.parse(transactionFrom));
  if (!mayRead) return undefined;
  return { ...transaction, bank: { ...basic, ...(descriptions && { description }) } };
}

/**
 * @throws {Refusal} `forbidden` where none of the connections shares what is asked for, so that an
 * empty answer always means that there is nothing.
 * @param what it is, for the client: a noun in the plural.
 */
export function assertShared(
  readable: readonly ReadableConnection[],
  shares: (connection: ReadableConnection) => boolean,
  what: string,
): void {
  if (readable.length === 0 || readable.some(shares)) return;
  throw new Refusal('forbidden', `The person did not agree to share ${what}`);
}

/** Whether an account belongs to the connection and was chosen by the person. */
function isChosen(account: Account, connection: ReadableConnection): boolean {
  return account.connectionId === connection.connectionId && connection.accountIds.has(account.id);
}
