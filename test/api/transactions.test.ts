import fc from 'fast-check';
import { accounts } from '../../core/account.js';
import { consents } from '../../core/consent.js';
import type { BankTransaction } from '../../core/institution.js';
import { connectPerson } from './support/connect-person.js';
import { startApi, store, type TestApi } from './support/start-api.js';

let api: TestApi;
let userId: string;
const accountIds: Record<string, string> = {};

const start = Date.parse('2026-01-01T00:00:00.000Z');
const day = 86_400_000;

/** Two accounts, some bookings at the same time, amounts in and out. */
const books: Record<string, BankTransaction[]> = {};
beforeAll(async () => {
  api = await startApi();
  const today = Math.floor(api.clock.now() / day) * day;
  for (const upstreamId of ['a1', 'a2']) {
    books[upstreamId] = Array.from({ length: 30 }, (_, n) => ({
      upstreamId: `${upstreamId}-${n}`,
      bookedAt: new Date(today - Math.floor(n / 3) * day),
      amount: n % 2 === 0 ? 100 + n : -100 - n,
      currency: 'GBP',
      description: `${upstreamId} shop ${n}`,
      status: 'posted',
    }));
  }
  api.bank.transactions = books;
  api.bank.accounts = ['a1', 'a2'].map((upstreamId) => ({
    upstreamId,
    name: upstreamId,
    type: 'cash:current',
    holder: 'personal',
    currency: 'GBP',
  }));
  const person = await connectPerson(api);
  userId = person.userId;
  await api.syncs.first(person.connectionId);
  const held = await api.storage.find(accounts, { index: 'user', equals: userId, limit: 10 });
  for (const { value } of held.records) accountIds[value.bank.upstreamId] = value.id;
});
afterAll(() => api.stop());

interface Shown {
  readonly id: string;
  readonly accountId: string;
  readonly date: string;
  readonly amount: { readonly value: number };
  readonly longDescription?: string;
}

async function list(query: string, scope = 'transactions:read:all'): Promise<readonly Shown[]> {
  const token = api.issue(scope, { subject: userId });
  const answer = await api.get(`/v3/transactions?${query}`, token);
  expect(answer.status).toBe(200);
  return answer.body.data;
}

const order = ({ date, id }: Shown) => `${date}|${id}`;

test('lists all accounts together, newest first', async () => {
  const shown = await list('limit=1000');
  expect(shown).toHaveLength(60);
  expect(shown.map(order)).toEqual(shown.map(order).sort().reverse());
  expect(shown[0]).toMatchObject({ amount: { currency: 'GBP' }, status: 'posted' });
});

test.each([1, 7, 59, 60, 61])(
  'pages of %i meet without gap or repeat, by cursor',
  async (limit) => {
    const token = api.issue('transactions:read:all', { subject: userId });
    const found: Shown[] = [];
    let path: string | undefined = `/v3/transactions?limit=${limit}`;
    while (path) {
      const { body } = await api.get(path, token);
      expect(body.data.length).toBeLessThanOrEqual(limit);
      found.push(...body.data);
      const next = body.links.next && new URL(body.links.next);
      path = next && next.pathname + next.search;
    }
    expect(found).toEqual(await list('limit=1000'));
  },
);

test('pages by offset show the same', async () => {
  const all = await list('limit=1000');
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 0, max: 70 }),
      async (limit, offset) => {
        const page = await list(`limit=${limit}&offset=${offset}`);
        expect(page).toEqual(all.slice(offset, offset + limit));
      },
    ),
    { numRuns: 20 },
  );
});

test('narrows by account, direction, time, id and text', async () => {
  const all = await list('limit=1000');
  const [newest] = all;
  if (!newest) throw new Error('there are transactions');
  const { a1, a2 } = accountIds;
  expect(await list(`accountId=${a1}`)).toEqual(all.filter(({ accountId }) => accountId === a1));
  expect(await list(`accountIds=${a1}&accountIds=${a2}&limit=1000`)).toEqual(all);
  expect(await list('accountId=somebody-elses')).toEqual([]);
  const out = all.filter(({ amount }) => amount.value < 0);
  expect(await list('creditDebitIndicator=debit')).toEqual(out);
  const date = newest.date.slice(0, 10);
  const today = all.filter((each) => each.date.startsWith(date));
  expect(await list(`startDate=${date}&endDate=${date}`)).toEqual(today);
  expect(await list(`startDate=${encodeURIComponent(newest.date)}`)).toEqual(today);
  expect(await list(`endDate=${new Date(start).toISOString()}`)).toEqual([]);
  // How many clients say "no end".
  expect(await list('endDate=9999-12-31&limit=1000')).toEqual(all);
  expect(await list('startDate=9999-12-31')).toEqual([]);
  expect(await list(`startDateModified=${new Date(api.clock.now() + day).toISOString()}`)).toEqual(
    [],
  );
  expect(await list(`ids=${newest.id}`)).toEqual([newest]);
  expect(await list('text=SHOP%2029')).toEqual(
    all.filter(({ longDescription }) => longDescription?.endsWith('shop 29')),
  );
});

test('scopes in and out show their own direction', async () => {
  const all = await list('limit=1000');
  expect(await list('limit=1000', 'transactions:read:in')).toEqual(
    all.filter(({ amount }) => amount.value >= 0),
  );
  expect(await list('limit=1000', 'transactions:read:out')).toEqual(
    all.filter(({ amount }) => amount.value < 0),
  );
});

test('a filter tells nothing about what the consent hides', async () => {
  const person = await connectPerson(api, {
    consent: {
      permissions: ['ReadAccountsBasic', 'ReadTransactionsBasic', 'ReadTransactionsDebits'],
    },
  });
  await api.syncs.first(person.connectionId);
  const token = api.issue('transactions:read:all', { subject: person.userId });
  const all = await api.get('/v3/transactions?limit=1000', token);
  expect(all.body.data).toHaveLength(30);
  expect(JSON.stringify(all.body)).not.toContain('shop');
  expect((await api.get('/v3/transactions?text=shop', token)).body.data).toEqual([]);
  const credits = await api.get('/v3/transactions?creditDebitIndicator=credit', token);
  expect(credits.status).toBe(403);
  expect(credits.body.message).toBe('The person did not agree to share these transactions');
});

test('what lies before the consented start is not shown, whatever dates are asked for', async () => {
  const transactionFrom = new Date(api.clock.now() - 5 * day).toISOString();
  const person = await connectPerson(api);
  await api.syncs.first(person.connectionId);
  const token = api.issue('transactions:read:all', { subject: person.userId });
  const everything = await api.get('/v3/transactions?limit=1000', token);
  const consent = (await api.storage.get(consents, person.consentId))?.value;
  if (!consent) throw new TypeError('no consent');
  // A renewal may narrow what was shared before: the data that is here already is covered too.
  await store(api.storage, consents, [person.consentId, { ...consent, transactionFrom }]);
  const { status, body } = await api.get('/v3/transactions?limit=1000&startDate=2000-01-01', token);
  expect(status).toBe(200);
  const inside = everything.body.data.filter(({ date }: Shown) => date >= transactionFrom);
  expect(inside.length).toBeLessThan(everything.body.data.length);
  expect(body.data).toEqual(inside);
  const before = new Date(Date.parse(transactionFrom) - 1).toISOString();
  const query = new URLSearchParams({ startDate: '2000-01-01', endDate: before });
  expect((await api.get(`/v3/transactions?${query}`, token)).status).toBe(403);
  const outside = everything.body.data.find(({ date }: Shown) => date < transactionFrom);
  expect((await api.get(`/v3/transactions/${outside.id}`, token)).status).toBe(404);
});

test.each([
  ['transactions', ['ReadAccountsBasic', 'ReadBalances'], 'transactions'],
  ['accounts', ['ReadTransactionsBasic', 'ReadTransactionsCredits'], 'accounts'],
])('without permission for %s they are refused', async (_what, permissions, list) => {
  const person = await connectPerson(api);
  await api.syncs.first(person.connectionId);
  const token = api.issue('accounts:read transactions:read:all', { subject: person.userId });
  const consent = (await api.storage.get(consents, person.consentId))?.value;
  if (!consent) throw new TypeError('no consent');
  expect((await api.get(`/v3/${list}`, token)).body.data).not.toEqual([]);
  await store(api.storage, consents, [person.consentId, { ...consent, permissions }]);
  expect((await api.get(`/v3/${list}`, token)).status).toBe(403);
});

test('shows one by its id, to those who may see it', async () => {
  const [newest] = await list('limit=1');
  const path = `/v3/transactions/${newest?.id}`;
  const mine = await api.get(path, api.issue('transactions:read:all', { subject: userId }));
  expect(mine.body.data).toEqual(newest);
  const { userId: stranger } = await connectPerson(api);
  const theirs = await api.get(path, api.issue('transactions:read:all', { subject: stranger }));
  expect(theirs.status).toBe(404);
  const wrongScope = await api.get(path, api.issue('accounts:read', { subject: userId }));
  expect(wrongScope.status).toBe(403);
});

test('says which date is before which, also where nothing of that time is shared', async () => {
  const consent = { transactionFrom: new Date(api.clock.now() - day).toISOString() };
  const { userId } = await connectPerson(api, { consent });
  const token = api.issue('transactions:read:all', { subject: userId });
  const query = 'startDate=2026-12-01&endDate=2020-01-01';
  expect((await api.get(`/v3/transactions?${query}`, token)).body).toMatchObject({
    code: 'BadRequest',
    message: 'endDate: must not be before startDate',
  });
});

test.each([
  'limit=0',
  'limit=1001',
  'offset=-1',
  'offset=1e9',
  'startDate=yesterday',
  'startDate=2026-02-30',
  'startDate[$gt]=2026-01-01&endDate=x',
  'startDate=2026-12-01&endDate=2020-01-01',
  'startDate=2026-12-01T10:00:00Z&endDate=2026-12-01T09:59:59.999Z',
  'startDateModified=2026-12-01&endDateModified=2026-11-30',
  'accountId=a&accountId=b',
  'cursor=x',
  `cursor=${Buffer.from('["2026-01-01T00:00:00.000Z",{"$ne":1}]').toString('base64url')}`,
  'creditDebitIndicator=both',
  `text=${'x'.repeat(201)}`,
])('refuses %s', async (query) => {
  const token = api.issue('transactions:read:all', { subject: userId });
  const answer = await api.get(`/v3/transactions?${query}`, token);
  expect(answer.status).toBe(400);
  expect(answer.body.code).toBe('BadRequest');
});
