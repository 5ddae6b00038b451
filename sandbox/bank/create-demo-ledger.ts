import { hash, timingSafeEqual } from 'node:crypto';
import type { BankLedger, LedgerAccount } from '../../core/bank-ledger.js';
import type { Clock } from '../../core/clock.js';
import { type Book, bookEntries } from './book-entries.js';
import { type DemoAccount, type DemoCustomer, demoCustomers, demoPeople } from './demo-people.js';
import { createDemoPhones } from './demo-phone.js';
import { describeCustomer } from './describe-customer.js';

/** Fixed, so that today's balance is yesterday's and what happened since. */
const booksBegin = new Date('2023-01-01T00:00:00Z');

const historyMonths = 24;

/** How long a book stays as it was read (milliseconds): a page of it is not worth a new one. */
const freshnessMs = 60_000;

/**
 * The simulated bank's own systems: demo people, and two years of entries up to the clock's now.
 * Passwords are public (they are printed at start), and still compared like secrets.
 */
export function createDemoLedger({ clock }: { readonly clock: Clock }): BankLedger {
  const books = new Map<string, { readonly madeAt: number; readonly book: Book }>();

  function bookOf(account: DemoAccount): Book {
    const now = clock.now();
    const known = books.get(account.id);
    if (known && known.madeAt <= now && now - known.madeAt < freshnessMs) return known.book;
    const { entries, balance } = bookEntries(account, booksBegin, new Date(now));
    const start = startOfHistory(now);
    const book = { entries: entries.filter(({ bookedAt }) => bookedAt >= start), balance };
    books.set(account.id, { madeAt: now, book });
    return book;
  }

  function toLedgerAccount(account: DemoAccount): LedgerAccount {
    const { id, nickname, accountSubType, sortCode, accountNumber, jointWith } = account;
    const { balance } = bookOf(account);
    const common = { accountType: 'Personal', currency: 'GBP' } as const;
    return { id, nickname, accountSubType, sortCode, accountNumber, jointWith, balance, ...common };
  }

  return {
    bankName: 'Northbank',
    demoLogins: demoPeople,
    secondFactor: createDemoPhones({ clock }),

    async authenticate(login, password) {
      const name = login.trim().toLowerCase();
      const customer = demoCustomers.find((candidate) => candidate.login === name);
      // An unknown login costs the same comparison, with a password that nobody has.
      const matches = isSame(password, customer?.password ?? `${password}-`);
      return customer && matches ? { id: customer.id, name: customer.name } : undefined;
    },

    async identify(hint) {
      const isMeant = ({ id, login }: DemoCustomer) =>
        'id' in hint ? id === hint.id : login === hint.login.trim().toLowerCase();
      const customer = demoCustomers.find(isMeant);
      return customer && { id: customer.id, name: customer.name };
    },

    async checkUserCode(customerId, userCode) {
      const expected = findCustomer(customerId)?.userCode;
      if (expected === undefined) return 'accepted';
      if (userCode === undefined) return 'missing';
      return isSame(userCode, expected) ? 'accepted' : 'wrong';
    },

    async describe(customerId) {
      const customer = findCustomer(customerId);
      return customer ? describeCustomer(customer) : {};
    },

    async accounts(customerId) {
      const customer = findCustomer(customerId);
      if (customer?.refusal !== undefined) return { refused: true, reason: customer.refusal };
      return (customer?.accounts ?? []).map(toLedgerAccount);
    },

    async transactions(accountId, { from, to, direction }, { offset, limit }) {
      const account = demoCustomers
        .flatMap(({ accounts }) => accounts)
        .find(({ id }) => id === accountId);
      const found = (account ? bookOf(account).entries : []).filter(
        ({ bookedAt, amount }) =>
          (!from || bookedAt >= from) &&
          (!to || bookedAt < to) &&
          (!direction || amount < 0 === (direction === 'debit')),
      );
      return { transactions: found.slice(offset, offset + limit), total: found.length };
    },
  };
}

function findCustomer(id: string): DemoCustomer | undefined {
  return demoCustomers.find((customer) => customer.id === id);
}

/** What is older than this is no longer shown: midnight two years ago. */
function startOfHistory(now: number): Date {
  const start = new Date(now);
  start.setUTCHours(0, 0, 0, 0);
  start.setUTCMonth(start.getUTCMonth() - historyMonths);
  return start;
}

function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'));
}
