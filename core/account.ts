import type { BankAccount, BankTransaction } from './institution.js';
import type { Collection } from './storage.js';

/** An account as last fetched. Its id is ours and stays the same for the connection's life. */
export interface Account {
  /** UUID */
  readonly id: string;
  readonly connectionId: string;
  readonly userId: string;
  readonly institutionId: string;
  readonly institutionName: string;
  readonly bank: BankAccountRecord;
  /** ISO 8601 */
  readonly dateAdded: string;
  readonly dateModified: string;
}

/** {@link BankAccount} as JSON keeps it: dates in ISO 8601. */
export interface BankAccountRecord extends Omit<BankAccount, 'balance'> {
  readonly balance?: { readonly amount: number; readonly at: string } | undefined;
}

/** A transaction as last fetched. */
export interface Transaction {
  /** UUID, derived from the account and the bank's id, so that a second fetch finds it again. */
  readonly id: string;
  readonly accountId: string;
  readonly bank: Omit<BankTransaction, 'bookedAt'> & { readonly bookedAt: string };
  /** ISO 8601: when it was first fetched. */
  readonly dateAdded: string;
  readonly dateModified: string;
}

/** Accounts by id, by connection and by user. */
export const accounts: Collection<Account> = {
  name: 'account',
  indexes: ['connection', 'user'],
  indexValues: (account) => ({ connection: account.connectionId, user: account.userId }),
};

/**
 * Transactions by id, and by account in the order of booking: the index value is
 * `<account id>|<bookedAt in ISO 8601>`, so a range of it is a window of time in one account.
 */
export const transactions: Collection<Transaction> = {
  name: 'bank_transaction',
  indexes: ['booked', 'account'],
  indexValues: (transaction) => ({
    booked: `${transaction.accountId}|${transaction.bank.bookedAt}`,
    account: transaction.accountId,
  }),
};
