// The smallest bank: Assent in its bank role, on systems of your own. docs/embedding.md says how.
//
//   node bank.mjs assent.json
import { scryptSync, timingSafeEqual } from 'node:crypto';
import { createAssent, loadConfiguration, stopOnSignal } from 'assent';

// What your own systems know. Passwords are made up, as everything here.
/** @param {string} password */
const scramble = (password) => scryptSync(password, 'a-salt-of-each-customer', 32);
const ada = { id: 'customer-1', name: 'Ada King' };
const known = { login: 'ada', password: scramble('analytical') };
/** @type {import('assent').LedgerAccount} */
const account = {
  id: 'account-1',
  nickname: 'Current account',
  accountType: 'Personal',
  accountSubType: 'CurrentAccount',
  currency: 'GBP',
  sortCode: '204514',
  accountNumber: '55779911',
  jointWith: [],
  balance: 125_000,
};
/** @type {readonly import('assent').LedgerTransaction[]} */
const entries = [
  {
    id: 'entry-1',
    bookedAt: new Date('2026-11-02T09:30:00Z'),
    amount: -1_250,
    currency: 'GBP',
    information: 'Bookshop',
    status: 'Booked',
  },
];

/** @type {import('assent').BankLedger} */
const ledger = {
  bankName: 'Example Bank',

  async authenticate(login, password) {
    // The password is scrambled and compared for unknown logins, too: it takes as long.
    const isRight = timingSafeEqual(scramble(password), known.password);
    return login.trim().toLowerCase() === known.login && isRight ? ada : undefined;
  },

  async identify(hint) {
    const isAda = 'id' in hint ? hint.id === ada.id : hint.login === known.login;
    return isAda ? ada : undefined;
  },

  async accounts(customerId) {
    return customerId === ada.id ? [account] : [];
  },

  async transactions(accountId, { from, to, direction }, { offset, limit }) {
    const found = entries.filter(
      ({ bookedAt, amount }) =>
        accountId === account.id &&
        (!from || bookedAt >= from) &&
        (!to || bookedAt < to) &&
        (!direction || direction === (amount < 0 ? 'debit' : 'credit')),
    );
    return { transactions: found.slice(offset, offset + limit), total: found.length };
  },
};

const configuration = await loadConfiguration({ file: process.argv[2], environment: process.env });
const assent = await createAssent({ configuration, ledger });
await assent.start();
stopOnSignal(assent.stop);
process.stdout.write(`The bank is ready: ${configuration.publicUrl}/oidc\n`);
