import { accounts } from '../../core/account.js';
import type { BankAccount } from '../../core/institution.js';
import { connectPerson } from './support/connect-person.js';
import { startApi, type TestApi } from './support/start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

const bankAccounts: BankAccount[] = [
  {
    upstreamId: 'a1',
    name: 'Current',
    type: 'cash:current',
    holder: 'personal',
    currency: 'GBP',
    balance: { amount: -1234, at: new Date('2026-05-01T00:00:00.000Z') },
    identification: {
      sortCode: '010203',
      accountNumber: '12345678',
      iban: 'GB33BUKB20201555555555',
    },
  },
  { upstreamId: 'a2', name: 'Yen', type: 'savings', holder: 'personal', currency: 'JPY' },
];

async function connected(given: Parameters<typeof connectPerson>[1] = {}) {
  api.bank.accounts = bankAccounts;
  const person = await connectPerson(api, given);
  await api.syncs.first(person.connectionId);
  return person;
}

const names = ({ body }: { body: { data: { accountName: string }[] } }) =>
  body.data.map(({ accountName }) => accountName).sort();

test('shows an account with its balance, and its numbers only under the scope for details', async () => {
  const { userId, connectionId } = await connected();
  const basic = await api.get('/v3/accounts', api.issue('accounts:read', { subject: userId }));
  expect(basic.status).toBe(200);
  expect(basic.body.links).toEqual({ self: 'https://id.example.com/v3/accounts' });
  expect(names(basic)).toEqual(['Current', 'Yen']);
  const current = basic.body.data.find(
    (each: { accountName: string }) => each.accountName === 'Current',
  );
  expect(current).toEqual({
    id: expect.any(String),
    accountName: 'Current',
    currency: 'GBP',
    balance: {
      amount: { value: -1234, majorUnits: -12.34, minorUnits: -1234, currency: 'GBP' },
      date: '2026-05-01T00:00:00.000Z',
    },
    accountType: 'personal',
    type: 'cash:current',
    details: {},
    providerId: 'north-bank',
    providerName: 'North Bank',
    connectionId,
    dateAdded: expect.any(String),
    dateModified: expect.any(String),
  });
  const scope = 'accounts:read accounts_details:read';
  const path = `/v3/accounts/${current.id}`;
  const detailed = await api.get(path, api.issue(scope, { subject: userId }));
  expect(detailed.body.data).toEqual({
    ...current,
    accountReference: '5678',
    details: { sortCodeAccountNumber: '01020312345678', iban: 'GB33BUKB20201555555555' },
  });
  const balances = await api.get(
    `${path}/balances`,
    api.issue('accounts:read', { subject: userId }),
  );
  expect(balances.body).toEqual({
    data: [current.balance],
    links: { self: `https://id.example.com${path}/balances` },
    meta: {},
  });
});

test('pages with links that lead from end to end', async () => {
  const { userId } = await connected();
  const token = api.issue('accounts:read', { subject: userId });
  const first = await api.get('/v3/accounts?limit=1', token);
  const { pathname, search } = new URL(first.body.links.next);
  const second = await api.get(pathname + search, token);
  expect([...names(first), ...names(second)].sort()).toEqual(['Current', 'Yen']);
  expect(second.body.links.next).toBeUndefined();
  expect(new URL(second.body.links.prev).search).toBe('?limit=1&offset=0');
  expect(names(await api.get('/v3/accounts-list', token)).sort()).toEqual(['Current', 'Yen']);
});

test('shows no balance, and refuses to read one, where the consent does not include balances', async () => {
  const { userId } = await connected({ consent: { permissions: ['ReadAccountsBasic'] } });
  const token = api.issue('accounts:read accounts_details:read', { subject: userId });
  const { body } = await api.get('/v3/accounts', token);
  expect(JSON.stringify(body)).not.toMatch(/1234|010203|balance/);
  const balances = await api.get(`/v3/accounts/${body.data[0].id}/balances`, token);
  expect(balances.status).toBe(403);
  expect(balances.body.message).toBe('The person did not agree to share balances');
});

test('a token of a code sees its own connection, one of client_credentials all of the person', async () => {
  const one = await connected();
  const other = await connected({ user: { userId: one.userId } });
  const all = await api.get('/v3/accounts', api.issue('accounts:read', { subject: one.userId }));
  expect(all.body.data).toHaveLength(4);
  const facts = { subject: one.userId, grantId: other.consentId };
  const own = await api.get('/v3/accounts', api.issue('accounts:read', facts));
  const ids = own.body.data.map((each: { connectionId: string }) => each.connectionId);
  expect(ids).toEqual([other.connectionId, other.connectionId]);
});

test('shows nothing of what is over, waits, or is somebody else’s', async () => {
  const { userId, consentId } = await connected();
  const held = await api.storage.find(accounts, { index: 'user', equals: userId, limit: 1 });
  const path = `/v3/accounts/${held.records[0]?.id}`;
  const stranger = await connected();
  const strange = api.issue('accounts:read', { subject: stranger.userId });
  const foreign = api.issue('accounts:read', { subject: userId, clientId: 'other' });
  const nobody = api.issue('accounts:read');
  expect((await api.get(path, strange)).status).toBe(404);
  expect((await api.get(`${path}/balances`, strange)).status).toBe(404);
  expect((await api.get(path, foreign)).status).toBe(404);
  expect((await api.get('/v3/accounts', nobody)).status).toBe(403);
  expect((await api.get('/v3/accounts', foreign)).body.data).toEqual([]);
  expect((await api.get('/v3/accounts', api.issue('user:read', { subject: userId }))).status).toBe(
    403,
  );

  const mine = api.issue('accounts:read', { subject: userId });
  const ofCode = api.issue('accounts:read', { subject: userId, grantId: consentId });
  expect((await api.get(path, mine)).status).toBe(200);
  api.clock.advance(90 * 86_400);
  for (const [token, facts] of api.tokens) {
    api.tokens.set(token, { ...facts, expiresAt: new Date(api.clock.now() + 1000) });
  }
  // What ended is told from what never was, to the one who had it.
  for (const each of [path, '/v3/accounts', '/v3/transactions']) {
    for (const held of [mine, ofCode]) {
      const answer = await api.get(each, held);
      expect(answer.status).toBe(403);
      expect(answer.body.message).toMatch(/no longer in force|needs the scope/);
    }
    expect((await api.get(path, strange)).status).not.toBe(200);
  }
});

test('a list costs three reads of the store', async () => {
  const { userId } = await connected();
  const token = api.issue('accounts:read', { subject: userId });
  api.calls.length = 0;
  await api.get('/v3/accounts', token);
  expect([...api.calls].sort()).toEqual(['find account', 'find connection', 'find consent']);
});

test.each([
  ['put', '/v3/accounts', 405],
  ['get', '/v3/nothing', 404],
  ['get', '/v3', 404],
  ['delete', '/openapi.json', 405],
  ['get', '/users/a/b/c/d/e', 404],
] as const)(
  '%s %s is answered with %i in the form of every error',
  async (method, path, status) => {
    const { default: request } = await import('supertest');
    const answer = await request(api.server)[method](path);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({
      code: status === 404 ? 'NotFound' : 'MethodNotAllowed',
      message: expect.any(String),
      correlationId: answer.headers['x-fapi-interaction-id'],
    });
  },
);
