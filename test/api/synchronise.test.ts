import { type Account, accounts, transactions } from '../../core/account.js';
import { connections } from '../../core/connection.js';
import {
  type BankAccount,
  type BankTransaction,
  InstitutionError,
} from '../../core/institution.js';
import { put } from '../../core/storage.js';
import { connectPerson } from './support/connect-person.js';
import { startApi, type TestApi } from './support/start-api.js';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

const day = 86_400_000;

const current: BankAccount = {
  upstreamId: 'a1',
  name: 'Current',
  type: 'cash:current',
  holder: 'personal',
  currency: 'GBP',
  identification: { sortCode: '010203', accountNumber: '12345678' },
};

function booked(upstreamId: string, daysAgo: number, given: Partial<BankTransaction> = {}) {
  return {
    upstreamId,
    bookedAt: new Date(api.clock.now() - daysAgo * day),
    amount: -100,
    currency: 'GBP',
    description: upstreamId,
    status: 'posted',
    ...given,
  } satisfies BankTransaction;
}

async function held(connectionId: string) {
  const query = { index: 'connection', equals: connectionId, limit: 100 };
  const found = (await api.storage.find(accounts, query)).records.map(({ value }) => value);
  const booked = await Promise.all(
    found.map(({ id }) =>
      api.storage.find(transactions, { index: 'account', equals: id, limit: 1000 }),
    ),
  );
  const all = booked.flatMap(({ records }) => records.map(({ value }) => value));
  return { accounts: found, transactions: all };
}

const read = async (id: string) => (await api.storage.get(connections, id))?.value;

test('the first fetch brings 90 days, the backfill the rest of what was consented to', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('new', 1), booked('old', 200), booked('too-old', 400)] };
  await api.synchroniser.first(connectionId);
  const first = await held(connectionId);
  expect(first.transactions.map(({ bank }) => bank.upstreamId)).toEqual(['new']);
  expect(await read(connectionId)).toMatchObject({
    status: 'ok',
    accountIds: first.accounts.map(({ id }) => id),
    lastUpdated: new Date(api.clock.now()).toISOString(),
  });
  await api.synchroniser.backfill(connectionId);
  // The bank shares 12 months.
  expect((await held(connectionId)).transactions.map(({ bank }) => bank.upstreamId).sort()).toEqual(
    ['new', 'old'],
  );
});

test('what a process did not finish is taken up at the next start, and then never again', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('new', 1), booked('old', 200)] };
  const connected = await read(connectionId);
  if (!connected) throw new TypeError('not connected');
  await api.storage.commit([put(connections, connectionId, { ...connected, unfinished: true })]);

  await api.synchroniser.resume();
  const { transactions: fetched } = await held(connectionId);
  expect(fetched.map(({ bank }) => bank.upstreamId).sort()).toEqual(['new', 'old']);
  expect(await read(connectionId)).toMatchObject({ status: 'ok', unfinished: false });

  api.bank.transactions = { a1: [booked('later', 1)] };
  await api.synchroniser.resume();
  expect((await held(connectionId)).transactions).toHaveLength(2);
});

test('asks for nothing before the consented start, and for no transactions without permission', async () => {
  const from = new Date(api.clock.now() - 10 * day);
  const narrow = await connectPerson(api, { consent: { transactionFrom: from.toISOString() } });
  const none = await connectPerson(api, { consent: { permissions: ['ReadAccountsBasic'] } });
  api.bank.accounts = [current];
  await api.synchroniser.first(narrow.connectionId);
  await api.synchroniser.backfill(narrow.connectionId);
  await api.synchroniser.first(none.connectionId);
  await api.synchroniser.backfill(none.connectionId);
  expect(api.bank.windows.map((window) => window.from)).toEqual([from]);
});

test('ids of accounts and transactions stay, also where the bank renames an account', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('t1', 1)], renamed: [booked('t1', 1)] };
  await api.synchroniser.first(connectionId);
  const before = await held(connectionId);
  api.clock.advance(60);
  await api.synchroniser.first(connectionId);
  expect(await held(connectionId)).toEqual(before);
  api.bank.accounts = [{ ...current, upstreamId: 'renamed', name: 'Everyday' }];
  await api.synchroniser.first(connectionId);
  const after = await held(connectionId);
  expect(after.accounts.map(({ id }) => id)).toEqual(before.accounts.map(({ id }) => id));
  expect(after.accounts[0]).toMatchObject({
    dateAdded: before.accounts[0]?.dateAdded,
    dateModified: new Date(api.clock.now()).toISOString(),
    bank: { name: 'Everyday' },
  });
  expect(after.transactions.map(({ id }) => id)).toEqual(before.transactions.map(({ id }) => id));
});

test('the same bank account in two connections is two accounts', async () => {
  const [one, other] = [await connectPerson(api), await connectPerson(api)];
  api.bank.accounts = [current];
  await api.synchroniser.first(one.connectionId);
  await api.synchroniser.first(other.connectionId);
  const [mine, theirs] = [await held(one.connectionId), await held(other.connectionId)];
  expect(mine.accounts[0]?.id).not.toBe(theirs.accounts[0]?.id);
});

test('a pending transaction that the bank no longer names is dropped', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('p1', 1, { status: 'pending' }), booked('t1', 2)] };
  await api.synchroniser.first(connectionId);
  api.bank.transactions = { a1: [booked('p1-booked', 1)] };
  await api.synchroniser.first(connectionId);
  expect((await held(connectionId)).transactions.map(({ bank }) => bank.upstreamId).sort()).toEqual(
    ['p1-booked', 't1'],
  );
});

test('new tokens are stored before they are used, and after a failure too', async () => {
  const { connectionId, consentId } = await connectPerson(api);
  api.bank.faults.accounts = new InstitutionError('unavailable', 'down');
  await api.synchroniser.first(connectionId);
  const stored = await read(connectionId);
  expect(stored?.authorization).toEqual({ refreshToken: `after of ${consentId}` });
  expect(stored).toMatchObject({ status: 'error', error: 'sync_error', accountIds: [] });
  expect(stored?.lastUpdated).toBeUndefined();
});

test('a fault keeps the data that was there and says what is wrong, until it is over', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('t1', 1)] };
  await api.synchroniser.first(connectionId);
  const before = await held(connectionId);
  api.bank.faults.open = new InstitutionError('authorization_lost', 'gone');
  await api.synchroniser.first(connectionId);
  expect(await read(connectionId)).toMatchObject({ status: 'error', error: 'credentials_error' });
  api.bank.faults = { transactions: new Error('a fault of our own') };
  await api.synchroniser.first(connectionId);
  expect(await read(connectionId)).toMatchObject({ status: 'error', error: 'sync_error' });
  expect(await held(connectionId)).toEqual(before);
  api.bank.faults = {};
  await api.synchroniser.first(connectionId);
  expect(await read(connectionId)).toMatchObject({ status: 'ok' });
  expect(await read(connectionId)).not.toHaveProperty('error');
});

test('a first fetch that takes too long is partial, and the backfill makes it whole', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: Array.from({ length: 300 }, (_, n) => booked(`t${n}`, 1)) };
  api.bank.betweenPages = async () => api.clock.advance(15);
  await api.synchroniser.first(connectionId);
  expect(await read(connectionId)).toMatchObject({ status: 'error', error: 'sync_partial' });
  api.bank.betweenPages = async () => {};
  await api.synchroniser.backfill(connectionId);
  expect(await read(connectionId)).toMatchObject({ status: 'ok' });
  expect((await held(connectionId)).transactions).toHaveLength(300);
});

test('no commit holds more than 500 writes', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: Array.from({ length: 1000 }, (_, n) => booked(`t${n}`, 1)) };
  await api.synchroniser.first(connectionId);
  const sizes = api.calls
    .filter((call) => call.startsWith('commit'))
    .map((call) => call.split(',').length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
});

test('nothing is written for a connection that is removed while its bank is read', async () => {
  const { userId, connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: Array.from({ length: 150 }, (_, n) => booked(`t${n}`, 1)) };
  let account: Account | undefined;
  api.bank.betweenPages = async () => {
    account = (await held(connectionId)).accounts[0];
    await api.connections.remove('app', userId, connectionId);
  };
  await api.synchroniser.first(connectionId);
  expect(await read(connectionId)).toBeUndefined();
  expect(await api.storage.count(accounts, 'user', userId)).toBe(0);
  expect(await api.storage.count(transactions, 'account', account?.id ?? '')).toBe(0);
});

test('fetches of one connection wait for each other, and keep what another commit changed', async () => {
  const { connectionId, consentId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: Array.from({ length: 150 }, (_, n) => booked(`t${n}`, 1)) };
  api.bank.betweenPages = async () => {
    const connection = await read(connectionId);
    if (connection) {
      const renamed = { ...connection, institutionName: 'South Bank' };
      await api.storage.commit([put(connections, connectionId, renamed)]);
    }
  };
  await Promise.all([
    api.synchroniser.first(connectionId),
    api.synchroniser.backfill(connectionId),
  ]);
  expect(api.bank.opened).toEqual([
    { refreshToken: `of ${consentId}` },
    { refreshToken: `after of ${consentId}` },
  ]);
  expect(await read(connectionId)).toMatchObject({ status: 'ok', institutionName: 'South Bank' });
});

test('does nothing where the consent is over or the connection unknown', async () => {
  const { connectionId } = await connectPerson(api, { consent: { status: 'revoked' } });
  await api.synchroniser.first(connectionId);
  await api.synchroniser.first('unknown');
  expect(api.bank.opened).toEqual([]);
  expect(await read(connectionId)).toMatchObject({ status: 'ok' });
});
