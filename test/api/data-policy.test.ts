import fc from 'fast-check';
import type { AccessTokenFacts } from '../../core/access-token.js';
import type { Account, Transaction } from '../../core/account.js';
import type { Connection } from '../../core/connection.js';
import type { Consent, ConsentStatus } from '../../core/consent.js';
import {
  type ConsentedConnection,
  decideReadable,
  readableAccount,
  readableTransaction,
} from '../../core/data-policy.js';

const now = Date.parse('2026-06-01T12:00:00.000Z');

/** Every permission that bears on accounts and transactions. */
const codes = [
  'ReadAccountsBasic',
  'ReadAccountsDetail',
  'ReadBalances',
  'ReadTransactionsBasic',
  'ReadTransactionsDetail',
  'ReadTransactionsCredits',
  'ReadTransactionsDebits',
] as const;

const scopes = [
  'accounts:read',
  'accounts_details:read',
  'transactions:read:all',
  'transactions:read:in',
  'transactions:read:out',
] as const;

/** All subsets of a list: 128 of the permissions, 32 of the scopes. */
function subsets<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return Array.from({ length: 2 ** items.length }, (_, bits) =>
    items.filter((_item, index) => bits & (1 << index)),
  );
}

function link(given: {
  readonly connection?: Partial<Connection>;
  readonly consent?: Partial<Consent>;
}): ConsentedConnection {
  return {
    connection: {
      id: 'bank:1',
      clientId: 'app',
      userId: 'user',
      institutionId: 'bank',
      institutionName: 'Bank',
      kind: 'api',
      consentId: 'consent',
      status: 'ok',
      connectedOn: '2026-01-01T00:00:00.000Z',
      accountIds: ['chosen'],
      authorization: {},
      ...given.connection,
    },
    consent: {
      id: 'consent',
      clientId: 'app',
      userId: 'user',
      connectionId: 'bank:1',
      institutionId: 'bank',
      access: 'ongoing',
      permissions: codes,
      expiresAt: '2026-07-01T00:00:00.000Z',
      tppConsent: true,
      status: 'authorised',
      history: [],
      ...given.consent,
    },
  };
}

function token(given: Partial<AccessTokenFacts> = {}): AccessTokenFacts {
  return {
    clientId: 'app',
    subject: 'user',
    scopes: new Set(scopes),
    expiresAt: new Date(now + 1000),
    ...given,
  };
}

const account: Account = {
  id: 'chosen',
  connectionId: 'bank:1',
  userId: 'user',
  institutionId: 'bank',
  institutionName: 'Bank',
  dateAdded: '2026-01-01T00:00:00.000Z',
  dateModified: '2026-01-01T00:00:00.000Z',
  bank: {
    upstreamId: 'a1',
    name: 'Current',
    type: 'cash:current',
    holder: 'personal',
    currency: 'GBP',
    balance: { amount: 5, at: '2026-01-01T00:00:00.000Z' },
    identification: { sortCode: '010203', accountNumber: '12345678' },
  },
};

function transaction(amount: number, bookedAt = '2026-05-01T00:00:00.000Z'): Transaction {
  return {
    id: 't1',
    accountId: 'chosen',
    dateAdded: bookedAt,
    dateModified: bookedAt,
    bank: {
      upstreamId: 'u1',
      bookedAt,
      amount,
      currency: 'GBP',
      description: 'Secret',
      status: 'posted',
    },
  };
}

// SEC-68
test('for every set of scopes and permissions, each field and record needs both', () => {
  for (const permissions of subsets(codes)) {
    for (const granted of subsets(scopes)) {
      const facts = token({ scopes: new Set<string>(granted) });
      const [readable] = decideReadable(facts, [link({ consent: { permissions } })], now);
      if (!readable) throw new Error('the connection is readable');
      const may = (code: (typeof codes)[number]) => permissions.includes(code);
      const has = (scope: (typeof scopes)[number]) => granted.includes(scope);

      const shown = readableAccount(account, readable);
      const basic = may('ReadAccountsBasic') || may('ReadAccountsDetail');
      expect(shown !== undefined).toBe(has('accounts:read') && basic);
      if (shown) {
        expect('balance' in shown.bank).toBe(may('ReadBalances'));
        const details = has('accounts_details:read') && may('ReadAccountsDetail');
        expect('identification' in shown.bank).toBe(details);
        expect(JSON.stringify(shown).includes('12345678')).toBe(details);
      }

      const booked = may('ReadTransactionsBasic') || may('ReadTransactionsDetail');
      const credits =
        may('ReadTransactionsCredits') &&
        (has('transactions:read:all') || has('transactions:read:in'));
      const debits =
        may('ReadTransactionsDebits') &&
        (has('transactions:read:all') || has('transactions:read:out'));
      const credit = readableTransaction(transaction(1), readable);
      const debit = readableTransaction(transaction(-1), readable);
      expect(credit !== undefined).toBe(booked && credits);
      expect(debit !== undefined).toBe(booked && debits);
      for (const each of [credit, debit]) {
        if (each) expect('description' in each.bank).toBe(may('ReadTransactionsDetail'));
      }
    }
  }
});

test('opens a connection only where every party, status and time fits', () => {
  const either = <Value>(right: Value, wrong: Value) =>
    fc.boolean().map((fits) => ({ fits, value: fits ? right : wrong }));
  const cases = fc.record({
    client: either('app', 'other'),
    subject: either('user', 'somebody'),
    connectionClient: either('app', 'other'),
    connectionUser: either('user', 'somebody'),
    inForce: either('consent', 'earlier'),
    consentConnection: either('bank:1', 'bank:2'),
    connectionStatus: either<Connection['status']>('error', 'pending'),
    consentStatus: either<ConsentStatus>('authorised', 'revoked'),
    expiresAt: either(new Date(now + 1).toISOString(), new Date(now).toISOString()),
    grantId: either<string | undefined>(undefined, 'another'),
  });
  fc.assert(
    fc.property(cases, (given) => {
      const links = [
        link({
          connection: {
            clientId: given.connectionClient.value,
            userId: given.connectionUser.value,
            consentId: given.inForce.value,
            status: given.connectionStatus.value,
          },
          consent: {
            clientId: given.connectionClient.value,
            userId: given.connectionUser.value,
            connectionId: given.consentConnection.value,
            status: given.consentStatus.value,
            expiresAt: given.expiresAt.value,
          },
        }),
      ];
      const facts = token({
        clientId: given.client.value,
        subject: given.subject.value,
        grantId: given.grantId.value,
      });
      const { client, subject, connectionClient, connectionUser, ...rest } = given;
      const parties =
        client.value === connectionClient.value && subject.value === connectionUser.value;
      const { consentStatus, expiresAt, ...linked } = rest;
      const connected = parties && Object.values(linked).every((each) => each.fits);
      const live = consentStatus.fits && expiresAt.fits;
      // What was shared and is no more is refused; what never was is an empty answer.
      if (!given.grantId.fits || (connected && !live)) {
        expect(() => decideReadable(facts, links, now)).toThrow('no longer in force');
      } else {
        expect(decideReadable(facts, links, now)).toHaveLength(connected ? 1 : 0);
      }
    }),
    { numRuns: 500 },
  );
});

test('a token of a code opens its own consent alone, one of client_credentials all that live', () => {
  const other = link({
    connection: { id: 'bank:2', consentId: 'second' },
    consent: { id: 'second', connectionId: 'bank:2' },
  });
  const links = [link({}), other];
  expect(decideReadable(token(), links, now)).toHaveLength(2);
  const own = decideReadable(token({ grantId: 'second' }), links, now);
  expect(own.map(({ connectionId }) => connectionId)).toEqual(['bank:2']);
});

test('what the person ended at their bank is closed, and the rest of theirs is open', () => {
  const ended = link({ connection: { endedAtBankOn: '2026-05-01T00:00:00.000Z' } });
  const other = link({
    connection: { id: 'bank:2', consentId: 'second' },
    consent: { id: 'second', connectionId: 'bank:2' },
  });
  for (const facts of [token(), token({ grantId: 'consent' })]) {
    expect(() => decideReadable(facts, [ended], now)).toThrow('ended this access at their bank');
  }
  const readable = decideReadable(token(), [ended, other], now);
  expect(readable.map(({ connectionId }) => connectionId)).toEqual(['bank:2']);
});

test('a token that names no person opens nothing', () => {
  expect(() => decideReadable(token({ subject: undefined }), [link({})], now)).toThrow('no person');
});

test('shows no account that was not chosen, and nothing booked before the consented start', () => {
  const consent = { transactionFrom: '2026-05-01T00:00:00.000Z' };
  const [readable] = decideReadable(token(), [link({ consent })], now);
  if (!readable) throw new Error('the connection is readable');
  expect(readableAccount({ ...account, id: 'not-chosen' }, readable)).toBeUndefined();
  expect(readableAccount({ ...account, connectionId: 'bank:2' }, readable)).toBeUndefined();
  const foreign = { ...transaction(1), accountId: 'not-chosen' };
  expect(readableTransaction(foreign, readable)).toBeUndefined();
  expect(readableTransaction(transaction(1, '2026-05-01T00:00:00.000Z'), readable)).toBeDefined();
  expect(readableTransaction(transaction(1, '2026-04-30T23:59:59.999Z'), readable)).toBeUndefined();
});
