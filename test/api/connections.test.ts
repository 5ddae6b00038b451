import { accounts, transactions } from '../../core/account.js';
import { connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { users } from '../../core/user.js';
import { connectPerson } from './support/connect-person.js';
import { grants, startApi, type TestApi } from './support/start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

const day = 86_400;

test('lists a connection with the state of its consent, oldest first', async () => {
  const { userId, connectionId } = await connectPerson(api);
  const answer = await api.get(`/users/${userId}/connections`, api.issue('user:read'));
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({
    data: [
      {
        id: connectionId,
        name: 'North Bank',
        type: 'api',
        connectedOn: expect.any(String),
        expiresAt: expect.any(String),
        accountIds: [],
        status: 'ok',
        error: null,
        userConsentedAt: expect.any(String),
        tppConsent: true,
        singleSyncOnly: false,
        useMfa: false,
      },
    ],
    meta: {},
  });
});

test('says so where the consent has expired', async () => {
  const { userId } = await connectPerson(api);
  api.clock.advance(91 * day);
  const answer = await api.get(`/users/${userId}/connections`, api.issue('connection:read'));
  expect(answer.body.data[0]).toMatchObject({
    status: 'error',
    error: 'sync_error',
    extendedStatus: 'expired',
  });
});

test.each(['connection', 'connections'])(
  'removes one, its data and its tokens at /%s',
  async (noun) => {
    const { userId, connectionId, consentId } = await connectPerson(api);
    const at = new Date(api.clock.now()).toISOString();
    api.bank.accounts = [
      {
        upstreamId: 'a1',
        name: 'Current',
        type: 'cash:current',
        holder: 'personal',
        currency: 'GBP',
      },
    ];
    api.bank.transactions = {
      a1: [
        {
          upstreamId: 't1',
          bookedAt: new Date(at),
          amount: -100,
          currency: 'GBP',
          description: 'Tea',
          status: 'posted',
        },
      ],
    };
    await api.syncs.first(connectionId);
    const held = await api.storage.find(accounts, { index: 'user', equals: userId, limit: 10 });
    const [account] = held.records;
    expect(await api.storage.count(transactions, 'account', account?.id ?? '')).toBe(1);
    const path = `/users/${userId}/${noun}/${connectionId}`;
    expect((await api.call('delete', path, api.issue('connection:delete'))).status).toBe(204);
    expect(await api.storage.get(connections, connectionId)).toBeUndefined();
    expect(await api.storage.get(grants, consentId)).toBeUndefined();
    expect((await api.storage.get(consents, consentId))?.value.status).toBe('revoked');
    expect(await api.storage.count(accounts, 'user', userId)).toBe(0);
    expect(await api.storage.count(transactions, 'account', account?.id ?? '')).toBe(0);
    expect(await api.storage.get(users, userId)).toBeDefined();
    expect((await api.call('delete', path, api.issue('user:delete'))).status).toBe(404);
  },
);

test("removes neither another client's, nor another user's, nor one that waits", async () => {
  const person = await connectPerson(api);
  const other = await connectPerson(api);
  const waiting = await connectPerson(api, { connection: { status: 'pending' } });
  const mine = api.issue('user:delete');
  const foreign = api.issue('user:delete', { clientId: 'other' });
  const attempts = [
    [`/users/${person.userId}/connection/${person.connectionId}`, foreign],
    [`/users/${other.userId}/connection/${person.connectionId}`, mine],
    [`/users/${waiting.userId}/connection/${waiting.connectionId}`, mine],
    [`/users/${person.userId}/connection/unknown`, mine],
  ] as const;
  for (const [path, token] of attempts) {
    expect((await api.call('delete', path, token)).status).toBe(404);
  }
  expect(await api.storage.get(connections, person.connectionId)).toBeDefined();
  expect(await api.storage.get(connections, waiting.connectionId)).toBeDefined();
});

describe('abandoning', () => {
  test('takes back what no client came for: connection, consent and one-time user', async () => {
    const { userId, connectionId, consentId } = await connectPerson(api, {
      user: { managedBy: 'user' },
      connection: { status: 'pending', pendingUntil: new Date(0).toISOString() },
    });
    await api.connections.abandon(connectionId);
    expect(await api.storage.get(connections, connectionId)).toBeUndefined();
    expect(await api.storage.get(users, userId)).toBeUndefined();
    expect((await api.storage.get(consents, consentId))?.value.status).toBe('revoked');
    expect(api.bank.revoked).toContainEqual({ refreshToken: `of ${consentId}` });
  });

  test('keeps a registered user, and leaves a redeemed connection alone', async () => {
    const waiting = await connectPerson(api, { connection: { status: 'pending' } });
    await api.connections.abandon(waiting.connectionId);
    expect(await api.storage.get(users, waiting.userId)).toBeDefined();
    const redeemed = await connectPerson(api);
    await api.connections.abandon(redeemed.connectionId);
    await api.connections.abandon('unknown');
    expect(await api.storage.get(connections, redeemed.connectionId)).toBeDefined();
    expect(api.bank.revoked).not.toContainEqual({ refreshToken: `of ${redeemed.consentId}` });
  });
});
