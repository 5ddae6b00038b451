import type { PersonClaims } from './person-claims.js';
import type { SecondFactor } from './second-factor.js';

/**
 * The port to a bank's own systems, for Assent in the bank role: who its customers are and what
 * their accounts hold. A real bank implements it over its core; the sandbox with demo people.
 */

/** A person as the bank knows them. */
export interface BankCustomer {
  /** The bank's stable, opaque id of the person. */
  readonly id: string;
  readonly name: string;
}

/** Whom a client means: by the login or the bank's own id, which ID tokens have as `sub`. */
export type CustomerHint = { readonly login: string } | { readonly id: string };

export interface LedgerAccount {
  readonly id: string;
  readonly nickname: string;
  /** UK Open Banking `AccountType` / `AccountSubType`, e.g. `Personal` / `CurrentAccount`. */
  readonly accountType: 'Personal' | 'Business';
  readonly accountSubType: 'CurrentAccount' | 'Savings' | 'CreditCard' | 'Loan' | 'Mortgage';
  readonly currency: string;
  readonly sortCode: string;
  readonly accountNumber: string;
  /** The other holders of a joint account, by name. */
  readonly jointWith: readonly string[];
  /** Minor units (pence); negative where the person owes. */
  readonly balance: number;
}

export interface LedgerTransaction {
  readonly id: string;
  readonly bookedAt: Date;
  /** Minor units (pence), positive = credit, negative = debit. */
  readonly amount: number;
  readonly currency: string;
  readonly information: string;
  readonly status: 'Booked' | 'Pending';
}

/** Why this bank will not let this customer share anything; shown to the person in one sentence. */
export interface SharingRefusal {
  readonly refused: true;
  readonly reason: string;
}

/** A made-up customer of a simulated bank. */
export interface DemoLogin {
  readonly login: string;
  readonly password: string;
  /** What this person is good for in a demonstration. */
  readonly what: string;
}

export interface BankLedger {
  /** The bank's name, as its customers know it. */
  readonly bankName: string;
  /** Shown on the login page: a simulated bank's only, never a real one's. */
  readonly demoLogins?: readonly DemoLogin[];
  /** The customer with this login and password, in constant time for unknown logins, or undefined. */
  authenticate(login: string, password: string): Promise<BankCustomer | undefined>;
  /** Without one, nobody can be authenticated strongly. */
  readonly secondFactor?: SecondFactor | undefined;
  /** The customer that a client means, or undefined; takes as long for those who are none. */
  identify(hint: CustomerHint): Promise<BankCustomer | undefined>;
  /**
   * Holds a code against the one that this customer has agreed with the bank for requests of clients
   * (CIBA Core §7.1, `user_code`). Absent where the bank has no such codes.
   */
  checkUserCode?(
    customerId: string,
    userCode: string | undefined,
  ): Promise<'accepted' | 'missing' | 'wrong'>;
  /**
   * What applications that sign this customer in can be told, if the customer agrees. Absent where the
   * bank tells no more than the name.
   */
  describe?(customerId: string): Promise<PersonClaims>;
  /** The accounts a customer may share, or why the bank refuses to share any. */
  accounts(customerId: string): Promise<readonly LedgerAccount[] | SharingRefusal>;
  /**
   * Transactions of one account booked in [from, to), newest first.
   * @param window.direction only money in, or only money out; both where absent.
   * @param page at most `limit` of them, after skipping `offset`.
   */
  transactions(
    accountId: string,
    window: {
      readonly from?: Date | undefined;
      readonly to?: Date | undefined;
      readonly direction?: 'credit' | 'debit' | undefined;
    },
    page: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly transactions: readonly LedgerTransaction[]; readonly total: number }>;
}
