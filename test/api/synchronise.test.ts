import { z } from 'zod';
import { type Account, accounts, transactions } from '../../core/account.js';
import { connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { publishEvent } from '../../core/event.js';
import {
  type BankAccount,
  type BankTransaction,
  InstitutionError,
} from '../../core/institution.js';
import { jobs } from '../../core/job.js';
import { createConnectionRedemption } from '../../core/redeem-connection.js';
import { put, StorageConflict } from '../../core/storage.js';
import { syncs } from '../../core/sync.js';
import { inEvents } from '../../core/synchronise.js';
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

const upstreamIds = async (connectionId: string) =>
  (await held(connectionId)).transactions.map(({ bank }) => bank.upstreamId).sort();

const readSync = async (id: string) => (await api.storage.get(syncs, id))?.value;

/** The events of a type that wait to be handed on, oldest first. */
async function events(type: string) {
  const waiting = await api.storage.find(jobs, { index: 'due', from: '', limit: 1000 });
  return waiting.records.flatMap(({ value: { data } }) => {
    const { success, data: event } = publishEvent.data.safeParse(data);
    return success && event.type === type ? [event.payload] : [];
  });
}

test('a first sync brings 90 days first, and then the rest of what was consented to', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('new', 1), booked('old', 200), booked('too-old', 400)] };
  const at = new Date(api.clock.now()).toISOString();
  const syncId = await api.syncs.first(connectionId);
  const first = await held(connectionId);
  expect(first.transactions.map(({ bank }) => bank.upstreamId)).toEqual(['new']);
  const accountIds = first.accounts.map(({ id }) => id);
  expect(await read(connectionId)).toMatchObject({ status: 'ok', accountIds, lastUpdated: at });
  expect(await readSync(syncId)).toMatchObject({ method: 'ADD', firstPartAt: at });
  expect(await readSync(syncId)).not.toHaveProperty('fetchStatus');
  expect(await events('syncCompleted')).toEqual([]);

  const ended = await api.syncs.finish(syncId);
  // The bank shares 12 months.
  expect(await upstreamIds(connectionId)).toEqual(['new', 'old']);
  expect(ended).toMatchObject({ fetchStatus: 'success', fetchedAt: at, accountIds });
  expect(await events('syncCompleted')).toEqual([
    { completedAt: at, processingStatus: 'success', syncId, connectionId },
  ]);
  // What the first sync brings is no news.
  expect(await events('newTransactions')).toEqual([]);
});

test('redeeming the code orders the first sync, and tells that there is a connection', async () => {
  const pending = { status: 'pending', pendingUntil: '2030-01-01T00:00:00.000Z' } as const;
  const { connectionId, consentId } = await connectPerson(api, { connection: pending });
  const redeem = createConnectionRedemption({
    ...{ storage: api.storage, clock: api.clock },
    watch: { until: () => Promise.reject(new Error('a fault of the store')) },
  });
  const { writes, completed } = await redeem(consentId, { isAsync: false });
  await api.storage.commit(writes);
  // The tokens are given: what goes wrong while the data is waited for takes nothing back.
  await completed?.();
  expect(await read(connectionId)).toMatchObject({ status: 'ok' });
  expect(await read(connectionId)).not.toHaveProperty('pendingUntil');
  expect(await events('connectionAdded')).toEqual([
    expect.objectContaining({ connectionId, bankName: 'North Bank' }),
  ]);
  expect(await api.waiting('sync-connection')).toMatchObject([{ data: { connectionId } }]);
  expect(await redeem(consentId, { isAsync: false })).toEqual({ writes: [] });
});

test('a later sync asks for what may have changed, and tells of what is new', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('t1', 1), booked('old', 200)] };
  await api.syncs.finish(await api.syncs.first(connectionId));
  const at = api.clock.now();
  api.clock.advance(3 * 86_400);
  const changed = booked('t1', 4, { amount: -200 });
  api.bank.transactions = { a1: [changed, booked('t2', 1), booked('t3', 2)] };
  const ended = await api.syncs.update(connectionId);
  expect(api.bank.windows.at(-1)?.from).toEqual(new Date(at - 14 * day));
  const { accounts: found, transactions: all } = await held(connectionId);
  const idOf = (upstreamId: string) =>
    all.find(({ bank }) => bank.upstreamId === upstreamId)?.id ?? '';
  expect(ended).toMatchObject({ method: 'UPDATE', fetchStatus: 'success' });
  expect(await events('newTransactions')).toEqual([
    { accounts: [{ id: found[0]?.id, transactions: [idOf('t2'), idOf('t3')] }] },
  ]);
});

test('a sync that is done again after a crash tells of all that it brought', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  await api.syncs.finish(await api.syncs.first(connectionId));
  api.clock.advance(60);
  api.bank.transactions = { a1: Array.from({ length: 150 }, (_, n) => booked(`t${n}`, 1)) };
  const syncId = await api.syncs.order(connectionId);
  // The process dies after the first page: nothing of it comes back.
  const died = new Promise<void>((resolve) => {
    api.bank.betweenPages = () => {
      resolve();
      return new Promise(() => {});
    };
  });
  void api.syncs.step(syncId);
  await died;
  expect((await held(connectionId)).transactions).toHaveLength(100);
  api.bank.betweenPages = async () => {};
  api.clock.advance(180);
  expect(await api.syncs.finish(syncId)).toMatchObject({ fetchStatus: 'success' });
  const [{ accounts: told }] = z
    .tuple([z.object({ accounts: z.array(z.object({ transactions: z.array(z.string()) })) })])
    .parse(await events('newTransactions'));
  expect(new Set(told[0]?.transactions).size).toBe(150);
});

test('a process that lost its turn writes nothing more', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: Array.from({ length: 150 }, (_, n) => booked(`t${n}`, 1)) };
  await api.syncs.finish(await api.syncs.first(connectionId));
  const syncId = await api.syncs.order(connectionId);
  let goOn = () => {};
  const stalled = new Promise<void>((resolve) => {
    api.bank.betweenPages = () => {
      resolve();
      return new Promise((go) => {
        goOn = go;
      });
    };
  });
  const late = api.syncs.step(syncId);
  await stalled;
  api.bank.betweenPages = async () => {};
  await api.syncs.finish(syncId);
  const after = await read(connectionId);
  goOn();
  await expect(late).rejects.toThrow(StorageConflict);
  expect(await read(connectionId)).toEqual(after);
  expect(await events('syncCompleted')).toHaveLength(2);
});

test('what the person authenticates meanwhile is fetched with, and not overwritten', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: Array.from({ length: 150 }, (_, n) => booked(`t${n}`, 1)) };
  const syncId = await api.syncs.order(connectionId, { method: 'ADD' });
  api.bank.betweenPages = async () => {
    api.bank.betweenPages = async () => {};
    const connection = await read(connectionId);
    if (!connection) throw new TypeError('not connected');
    const renewed = { ...connection, authorization: { refreshToken: 'renewed' } };
    await api.storage.commit([put(connections, connectionId, renewed)]);
    api.bank.faults.transactions = new InstitutionError('authorization_lost', 'withdrawn');
  };
  expect(await api.syncs.step(syncId)).toBe(true);
  expect(await read(connectionId)).toMatchObject({ status: 'ok' });
  api.bank.faults = {};
  expect(await api.syncs.finish(syncId)).toMatchObject({ fetchStatus: 'success' });
  expect(api.bank.opened).toContainEqual({ refreshToken: 'renewed' });
});

test('asks for nothing before the consented start, and for no transactions without permission', async () => {
  const from = new Date(api.clock.now() - 10 * day);
  const narrow = await connectPerson(api, { consent: { transactionFrom: from.toISOString() } });
  const none = await connectPerson(api, { consent: { permissions: ['ReadAccountsBasic'] } });
  api.bank.accounts = [current];
  await api.syncs.finish(await api.syncs.first(narrow.connectionId));
  await api.syncs.finish(await api.syncs.first(none.connectionId));
  expect(api.bank.windows.map((window) => window.from)).toEqual([from]);
});

test('ids of accounts and transactions stay, also where the bank renames an account', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('t1', 1)], renamed: [booked('t1', 1)] };
  await api.syncs.finish(await api.syncs.first(connectionId));
  const before = await held(connectionId);
  api.clock.advance(60);
  await api.syncs.update(connectionId);
  expect(await held(connectionId)).toEqual(before);
  api.bank.accounts = [{ ...current, upstreamId: 'renamed', name: 'Everyday' }];
  await api.syncs.update(connectionId);
  const after = await held(connectionId);
  expect(after.accounts.map(({ id }) => id)).toEqual(before.accounts.map(({ id }) => id));
  expect(after.accounts[0]).toMatchObject({
    dateAdded: before.accounts[0]?.dateAdded,
    dateModified: new Date(api.clock.now()).toISOString(),
    bank: { name: 'Everyday' },
  });
  expect(after.transactions.map(({ id }) => id)).toEqual(before.transactions.map(({ id }) => id));
});

test('an account that joins later, or more permissions, bring their whole history', async () => {
  const { connectionId, consentId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('t1', 200)], a2: [booked('t2', 200)] };
  await api.syncs.finish(await api.syncs.first(connectionId));
  api.bank.accounts = [current, { ...current, upstreamId: 'a2', identification: undefined }];
  await api.syncs.update(connectionId);
  expect(await upstreamIds(connectionId)).toEqual(['t1', 't2']);

  const consent = (await api.storage.get(consents, consentId))?.value;
  if (!consent) throw new TypeError('no consent');
  const permissions = [...consent.permissions, 'ReadOffers'];
  api.bank.windows.length = 0;
  await api.storage.commit([put(consents, consentId, { ...consent, permissions })]);
  await api.syncs.update(connectionId);
  await api.syncs.update(connectionId);
  const widths = api.bank.windows.map(({ from, to }) => Math.round((+to - +from) / day));
  expect(widths).toEqual([366, 366, 15, 15]);
});

test('the same bank account in two connections is two accounts', async () => {
  const [one, other] = [await connectPerson(api), await connectPerson(api)];
  api.bank.accounts = [current];
  await api.syncs.first(one.connectionId);
  await api.syncs.first(other.connectionId);
  const [mine, theirs] = [await held(one.connectionId), await held(other.connectionId)];
  expect(mine.accounts[0]?.id).not.toBe(theirs.accounts[0]?.id);
});

test('a pending transaction that the bank no longer names is dropped', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('p1', 1, { status: 'pending' }), booked('t1', 2)] };
  await api.syncs.finish(await api.syncs.first(connectionId));
  api.bank.transactions = { a1: [booked('p1-booked', 1), booked('t1', 2)] };
  await api.syncs.update(connectionId);
  expect(await upstreamIds(connectionId)).toEqual(['p1-booked', 't1']);
});

test('new tokens are stored before they are used, and after a failure too', async () => {
  const { connectionId, consentId } = await connectPerson(api);
  api.bank.faults.accounts = new InstitutionError('unavailable', 'down');
  await api.syncs.first(connectionId);
  const stored = await read(connectionId);
  expect(stored?.authorization).toEqual({ refreshToken: `after of ${consentId}` });
  expect(stored).toMatchObject({ status: 'error', error: 'sync_error', accountIds: [] });
  expect(stored?.lastUpdated).toBeUndefined();
});

test.each([
  ['authorization_lost', 'credentials_error', 'credentials-error', true],
  ['input_required', 'mfa_required', 'mfa-required', true],
  ['unavailable', 'sync_error', 'error', false],
  ['invalid_answer', 'sync_error', 'error', false],
  ['rate_limited', 'sync_error', 'error', false],
] as const)(
  '%s is %s, keeps the data, and is told of once',
  async (code, error, fetchStatus, tells) => {
    const { connectionId } = await connectPerson(api);
    api.bank.accounts = [current];
    api.bank.transactions = { a1: [booked('t1', 1)] };
    await api.syncs.finish(await api.syncs.first(connectionId));
    const before = await held(connectionId);
    api.bank.faults.open = new InstitutionError(code, 'no');
    api.clock.advance(60);
    expect(await api.syncs.update(connectionId)).toMatchObject({ fetchStatus });
    const since = new Date(api.clock.now()).toISOString();
    api.clock.advance(60);
    await api.syncs.update(connectionId);
    const failed = await read(connectionId);
    expect(failed).toMatchObject({ status: 'error', error, failingSince: since });
    expect(failed).not.toHaveProperty('turn');
    expect(await held(connectionId)).toEqual(before);
    expect(await events('connectionFailed')).toHaveLength(tells ? 1 : 0);
    expect((await events('syncCompleted')).slice(1)).toEqual([
      expect.objectContaining({ processingStatus: 'error' }),
      expect.objectContaining({ processingStatus: 'error' }),
    ]);
    api.bank.faults = {};
    await api.syncs.update(connectionId);
    expect(await read(connectionId)).toMatchObject({ status: 'ok' });
    expect(await read(connectionId)).not.toHaveProperty('error');
    expect(await read(connectionId)).not.toHaveProperty('failingSince');
  },
);

describe('what was fetched, once the bank takes the authorization no more', () => {
  const lost = new InstitutionError('authorization_lost', 'no');

  /** A person whose data is here, and what comes of the next sync. */
  async function lose(answer: { inForce: boolean }, fault = lost) {
    const person = await connectPerson(api);
    api.bank.accounts = [current];
    api.bank.transactions = { a1: [booked('t1', 1)] };
    await api.syncs.finish(await api.syncs.first(person.connectionId));
    api.bank.faults.open = fault;
    api.bank.inForce = answer.inForce;
    api.clock.advance(60);
    expect(await api.syncs.update(person.connectionId)).toMatchObject({
      fetchStatus: 'credentials-error',
    });
    return person;
  }

  function readData({ userId }: { userId: string }, path: string) {
    const token = api.issue('accounts:read transactions:read:all', { subject: userId });
    return api.get(path, token);
  }

  const paths = ['/v3/accounts', '/v3/transactions'];

  test('stays readable where the person’s consent at the bank is still in force', async () => {
    const person = await lose({ inForce: true });
    for (const path of paths) {
      expect((await readData(person, path)).body.data).toHaveLength(1);
    }
  });

  test('is kept and refused where the person ended it there, until they sign in there again', async () => {
    const person = await lose({ inForce: false });
    const before = await held(person.connectionId);
    expect(before.transactions).toHaveLength(1);
    for (const path of paths) {
      expect(await readData(person, path)).toMatchObject({
        status: 403,
        body: {
          code: 'Forbidden',
          message:
            'The person ended this access at their bank; reauth opens what was fetched before again',
        },
      });
    }
    api.bank.faults = {};
    await api.syncs.update(person.connectionId);
    for (const path of paths) expect((await readData(person, path)).status).toBe(200);
    expect(await read(person.connectionId)).not.toHaveProperty('endedAtBankOn');
    expect((await held(person.connectionId)).accounts.map(({ id }) => id)).toEqual(
      before.accounts.map(({ id }) => id),
    );
  });

  test('is refused too where the bank only forbids what the person ended there', async () => {
    const person = await lose({ inForce: false }, new InstitutionError('refused', '403'));
    expect((await readData(person, '/v3/accounts')).status).toBe(403);
    expect(await read(person.connectionId)).toMatchObject({ error: 'credentials_error' });
  });

  test('of a bank that forbids, while the consent there is in force, stays readable', async () => {
    const person = await connectPerson(api);
    await api.syncs.finish(await api.syncs.first(person.connectionId));
    api.bank.faults.open = new InstitutionError('refused', '403');
    api.clock.advance(60);
    await api.syncs.update(person.connectionId);
    expect(await read(person.connectionId)).toMatchObject({ error: 'sync_error' });
    expect((await readData(person, '/v3/accounts')).status).toBe(200);
  });

  test('of another connection of the same person is read as before', async () => {
    const person = await lose({ inForce: false });
    api.bank.faults = {};
    const other = await connectPerson(api, { user: { userId: person.userId } });
    await api.syncs.finish(await api.syncs.first(other.connectionId));
    const { body } = await readData(person, '/v3/accounts');
    expect(body.data.map(({ connectionId }: { connectionId: string }) => connectionId)).toEqual([
      other.connectionId,
    ]);
  });

  test('a bank that cannot be asked why has a passing fault, and is asked again', async () => {
    const person = await connectPerson(api);
    api.bank.faults = { open: lost, inForce: new InstitutionError('unavailable', 'down') };
    await api.syncs.finish(await api.syncs.first(person.connectionId));
    expect(await read(person.connectionId)).toMatchObject({ error: 'sync_error' });
    api.bank.faults = { open: lost };
    api.clock.advance(60);
    await api.syncs.update(person.connectionId);
    expect(await read(person.connectionId)).toMatchObject({ error: 'credentials_error' });
  });

  test('a fault that passes later does not hide that only the person can mend it', async () => {
    const person = await lose({ inForce: false });
    const failed = await read(person.connectionId);
    api.bank.faults = { open: new InstitutionError('unavailable', 'down') };
    api.clock.advance(60);
    expect(await api.syncs.update(person.connectionId)).toMatchObject({ fetchStatus: 'error' });
    expect(await read(person.connectionId)).toEqual(failed);
    expect((await readData(person, '/v3/accounts')).status).toBe(403);
    expect(await events('connectionFailed')).toHaveLength(1);
  });
});

test('an account that the bank does not serve makes a sync partial, and the others are fetched', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current, { ...current, upstreamId: 'a2', identification: undefined }];
  api.bank.transactions = { a1: [booked('t1', 1)], a2: [booked('t2', 1)] };
  api.bank.refuses = 'a1';
  expect(await api.syncs.finish(await api.syncs.first(connectionId))).toMatchObject({
    fetchStatus: 'partial',
  });
  expect(await read(connectionId)).toMatchObject({ status: 'error', error: 'sync_partial' });
  expect(await upstreamIds(connectionId)).toEqual(['t2']);
  api.bank.refuses = undefined;
  expect(await api.syncs.update(connectionId)).toMatchObject({ fetchStatus: 'success' });
  expect(await upstreamIds(connectionId)).toEqual(['t1', 't2']);
});

test('a sync that the bank breaks off tells of what it brought', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('old', 5)] };
  await api.syncs.finish(await api.syncs.first(connectionId));
  api.clock.advance(86_400);
  api.bank.transactions = { a1: Array.from({ length: 150 }, (_, n) => booked(`n${n}`, 1)) };
  api.bank.betweenPages = async () => {
    throw new InstitutionError('rate_limited', 'too many');
  };
  expect(await api.syncs.update(connectionId)).toMatchObject({ fetchStatus: 'error' });
  api.bank.betweenPages = async () => {};
  api.clock.advance(86_400);
  await api.syncs.update(connectionId);
  const told = z.object({ accounts: z.array(z.object({ transactions: z.array(z.string()) })) });
  const ids = (await events('newTransactions')).flatMap((payload) =>
    told.parse(payload).accounts.flatMap((account) => account.transactions),
  );
  const all = (await held(connectionId)).transactions.filter(
    ({ bank }) => bank.upstreamId !== 'old',
  );
  expect(ids.sort()).toEqual(all.map(({ id }) => id).sort());
  expect(all).toHaveLength(150);
});

test('a fault of ours is not told as the bank’s, and the sync is done again', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: Array.from({ length: 150 }, (_, n) => booked(`t${n}`, 1)) };
  const syncId = await api.syncs.order(connectionId);
  api.bank.betweenPages = async () => {
    throw new TypeError('ours');
  };
  await expect(api.syncs.finish(syncId)).rejects.toThrow('ours');
  expect(await read(connectionId)).toMatchObject({ status: 'ok' });
  api.bank.betweenPages = async () => {};
  expect(await api.syncs.finish(syncId)).toMatchObject({ fetchStatus: 'success' });
});

test('an account that the bank shares no more is told of, once', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current, { ...current, upstreamId: 'a2', identification: undefined }];
  await api.syncs.finish(await api.syncs.first(connectionId));
  const [, gone] = (await read(connectionId))?.accountIds ?? [];
  api.bank.accounts = [current];
  for (let round = 0; round < 2; round++) {
    api.clock.advance(60);
    await api.syncs.update(connectionId);
  }
  expect(await events('deletedAccount')).toEqual([{ accountId: gone }]);
});

test('a first part that takes too long is partial, and the rest makes it whole', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: Array.from({ length: 300 }, (_, n) => booked(`t${n}`, 1)) };
  api.bank.betweenPages = async () => api.clock.advance(15);
  const syncId = await api.syncs.first(connectionId);
  expect(await read(connectionId)).toMatchObject({ status: 'error', error: 'sync_partial' });
  api.bank.betweenPages = async () => {};
  expect(await api.syncs.finish(syncId)).toMatchObject({ fetchStatus: 'success' });
  expect(await read(connectionId)).toMatchObject({ status: 'ok' });
  expect((await held(connectionId)).transactions).toHaveLength(300);
});

test('a bank that fails in the rest leaves what is there, and the next sync fetches all', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: [booked('new', 1), booked('old', 200)] };
  const syncId = await api.syncs.first(connectionId);
  api.bank.faults.transactions = new InstitutionError('unavailable', 'down');
  expect(await api.syncs.finish(syncId)).toMatchObject({ fetchStatus: 'partial' });
  expect(await read(connectionId)).toMatchObject({ status: 'error', error: 'sync_partial' });
  api.bank.faults = {};
  await api.syncs.update(connectionId);
  expect(await upstreamIds(connectionId)).toEqual(['new', 'old']);
});

test('no commit holds more than 500 writes, and no event more than 6000 transactions', async () => {
  const { connectionId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: Array.from({ length: 1000 }, (_, n) => booked(`t${n}`, 1)) };
  await api.syncs.first(connectionId);
  const sizes = api.calls
    .filter((call) => call.startsWith('commit'))
    .map((call) => call.split(',').length);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(500);

  const ids = (count: number) => Array.from({ length: count }, (_, n) => `t${n}`);
  const added = [
    { accountId: 'a1', ids: ids(7000) },
    { accountId: 'a2', ids: ids(6000) },
  ];
  const told = inEvents(added).map((accounts) =>
    accounts.map(({ id, transactions }) => [id, transactions.length]),
  );
  expect(told).toEqual([
    [['a1', 6000]],
    [
      ['a1', 1000],
      ['a2', 5000],
    ],
    [['a2', 1000]],
  ]);
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
  const syncId = await api.syncs.first(connectionId);
  expect(await api.syncs.finish(syncId)).toBeUndefined();
  expect(await read(connectionId)).toBeUndefined();
  expect(await api.storage.count(accounts, 'user', userId)).toBe(0);
  expect(await api.storage.count(transactions, 'account', account?.id ?? '')).toBe(0);
});

test('syncs of one connection wait for each other, and keep what another commit changed', async () => {
  const { connectionId, consentId } = await connectPerson(api);
  api.bank.accounts = [current];
  api.bank.transactions = { a1: Array.from({ length: 150 }, (_, n) => booked(`t${n}`, 1)) };
  const one = await api.syncs.order(connectionId);
  api.clock.advance(1);
  const other = await api.syncs.order(connectionId);
  const due = async () => {
    const [job] = (await api.waiting('sync-connection')).filter(({ key }) => key === other);
    return job && Date.parse(job.due) - api.clock.now();
  };
  api.bank.betweenPages = async () => {
    api.bank.betweenPages = async () => {};
    // As another process would, meanwhile.
    expect(await api.syncs.step(other)).toBe(true);
    expect(await due()).toBe(30_000);
    const connection = await read(connectionId);
    if (!connection) throw new TypeError('not connected');
    const renamed = { ...connection, institutionName: 'South Bank' };
    await api.storage.commit([put(connections, connectionId, renamed)]);
  };
  await api.syncs.finish(one);
  // It does not go on asking whether it is its turn: it is told.
  expect(await due()).toBe(0);
  await api.syncs.finish(other);
  expect(api.bank.opened).toEqual([
    { refreshToken: `of ${consentId}` },
    { refreshToken: `after of ${consentId}` },
  ]);
  expect(await read(connectionId)).toMatchObject({ status: 'ok', institutionName: 'South Bank' });
});

test.each([
  ['revoked', { status: 'revoked' }],
  ['over', { expiresAt: '2020-01-01T00:00:00.000Z' }],
] as const)(
  'nothing is fetched where the consent is %s; the sync says so',
  async (_what, consent) => {
    const { connectionId } = await connectPerson(api, { consent });
    const ended = await api.syncs.update(connectionId);
    expect(ended).toMatchObject({ fetchStatus: 'error' });
    expect(api.bank.opened).toEqual([]);
    expect(await read(connectionId)).toMatchObject({ status: 'ok' });
  },
);

test.each(['the connection', 'the person'])(
  '%s can be removed while a sync writes all the while',
  async (what) => {
    const { userId, connectionId } = await connectPerson(api);
    api.bank.accounts = [current];
    api.bank.transactions = { a1: Array.from({ length: 6000 }, (_, n) => booked(`t${n}`, 1)) };
    const path =
      what === 'the person' ? `/users/${userId}` : `/users/${userId}/connections/${connectionId}`;
    const syncId = await api.syncs.order(connectionId);
    const removed = new Promise<{ status: number }>((resolve) => {
      api.bank.betweenPages = async () => {
        api.bank.betweenPages = async () => {};
        resolve(api.call('delete', path, api.issue('user:delete')));
      };
    });
    await api.syncs.finish(syncId).catch(() => {});
    expect((await removed).status).toBe(204);
    expect(await held(connectionId)).toEqual({ accounts: [], transactions: [] });
  },
);
