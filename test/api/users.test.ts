import { setImmediate } from 'node:timers/promises';
import request from 'supertest';
import { accounts } from '../../core/account.js';
import { connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { InstitutionError } from '../../core/institution.js';
import { users } from '../../core/user.js';
import { connectPerson } from './support/connect-person.js';
import { grants, startApi, type TestApi } from './support/start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());
beforeEach(() => {
  api.bank.faults = {};
});

describe('registering', () => {
  test('makes a user of this client, managed by it, without connections', async () => {
    const answer = await api.call('post', '/users', api.issue('user:create'), {
      clientUserId: 'person-1',
    });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      clientUserId: 'person-1',
      clientId: 'app',
      deletedAt: null,
      managedBy: 'client',
      connectionIds: [],
    });
    expect(answer.body.userId).toMatch(/^[0-9a-f]{24}$/);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('needs no body, and ignores members it does not know', async () => {
    const token = api.issue('user:create');
    expect((await api.call('post', '/users', token)).status).toBe(201);
    const answer = await request(api.server)
      .post('/users')
      .set('authorization', `Bearer ${token}`)
      .set('content-type', 'application/json')
      .send('{"__proto__":{"clientId":"other"},"constructor":1,"clientId":"other","userId":"x"}');
    expect(answer.status).toBe(201);
    expect(answer.body.clientId).toBe('app');
  });

  test.each([
    ['malformed JSON', '{"clientUserId":', 'application/json', 400, 'BadRequest'],
    ['a list', '[]', 'application/json', 400, 'BadRequest'],
    ['deep nesting', '['.repeat(60_000), 'application/json', 400, 'BadRequest'],
    ['another type of value', '{"clientUserId":{"$ne":1}}', 'application/json', 400, 'BadRequest'],
    ['another media type', 'clientUserId=x', 'text/plain', 415, 'UnsupportedMediaType'],
    ['1 MB', `"${'x'.repeat(1_000_000)}"`, 'application/json', 413, 'PayloadTooLarge'],
  ])('refuses %s', async (_what, body, type, status, code) => {
    const answer = await request(api.server)
      .post('/users')
      .set('authorization', `Bearer ${api.issue('user:create')}`)
      .set('content-type', type)
      .send(body);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({
      code,
      message: expect.any(String),
      correlationId: answer.headers['x-fapi-interaction-id'],
    });
  });

  test('needs the scope', async () => {
    const answer = await api.call('post', '/users', api.issue('user:read'), {});
    expect(answer.status).toBe(403);
    expect(answer.body.code).toBe('Forbidden');
    expect(answer.headers['www-authenticate']).toContain('insufficient_scope');
  });
});

describe('listing', () => {
  test('pages through the users of this client alone, in the order they were made', async () => {
    const mine = { clientId: 'lister' };
    const write = api.issue('user:create', mine);
    const made: string[] = [];
    for (let n = 0; n < 5; n++) {
      made.push((await api.call('post', '/users', write, {})).body.userId);
      api.clock.advance(1);
    }
    const read = api.issue('user:read', mine);
    const first = await api.get('/users?limit=2', read);
    const last = await api.get('/users?limit=2&offset=4&isDemo=true', read);
    expect(first.body.meta).toEqual({ total: 5, limit: 2, offset: 0 });
    expect(first.body.data.map(({ userId }: { userId: string }) => userId)).toEqual(
      made.slice(0, 2),
    );
    expect(last.body.data.map(({ userId }: { userId: string }) => userId)).toEqual(made.slice(4));
  });

  test.each(['limit=0', 'limit=1001', 'limit=x', 'offset=-1', 'limit=1&limit=2'])(
    'refuses %s',
    async (query) => {
      expect((await api.get(`/users?${query}`, api.issue('user:read'))).status).toBe(400);
    },
  );

  test('shows the connections of a user, except one that waits for its client', async () => {
    const { userId, connectionId } = await connectPerson(api);
    const waiting = await connectPerson(api, {
      connection: { status: 'pending', pendingUntil: new Date().toISOString() },
    });
    const token = api.issue('user:read');
    expect((await api.get(`/users/${userId}`, token)).body.connectionIds).toEqual([connectionId]);
    expect((await api.get(`/users/${waiting.userId}`, token)).body.connectionIds).toEqual([]);
  });
});

describe('deleting', () => {
  test('removes data and grants, revokes consents, and withdraws them at the bank', async () => {
    const { userId, connectionId, consentId } = await connectPerson(api);
    api.bank.accounts = [
      {
        upstreamId: 'a1',
        name: 'Current',
        type: 'cash:current',
        holder: 'personal',
        currency: 'GBP',
      },
    ];
    await api.syncs.first(connectionId);
    const answer = await api.call('delete', `/users/${userId}`, api.issue('user:delete'));
    expect(answer.status).toBe(204);
    expect(await api.storage.get(users, userId)).toBeUndefined();
    expect(await api.storage.get(connections, connectionId)).toBeUndefined();
    expect(await api.storage.get(grants, consentId)).toBeUndefined();
    expect((await api.waiting('publish-event')).at(-1)?.data).toMatchObject({
      type: 'connectionDeleted',
      userId,
      payload: { connectionId, bankName: 'North Bank' },
    });
    expect(await api.storage.count(accounts, 'user', userId)).toBe(0);
    const consent = await api.storage.get(consents, consentId);
    expect(consent?.value.status).toBe('revoked');
    expect(consent?.value.history.at(-1)?.status).toBe('revoked');
    expect(api.bank.revoked).toContainEqual({ refreshToken: `after of ${consentId}` });
  });

  test('does not wait for a bank that is down, and tells it later', async () => {
    const { userId, consentId } = await connectPerson(api);
    api.bank.faults.revoke = new InstitutionError('unavailable', 'down');
    const answer = await api.call('delete', `/users/${userId}`, api.issue('user:delete'));
    expect(answer.status).toBe(204);
    expect(await api.storage.get(users, userId)).toBeUndefined();
    expect(await api.waiting('withdraw')).toHaveLength(1);
    api.doJobs();
    // Down, and down again at the first try after a minute.
    api.clock.advance(61);
    while ((await api.waiting('withdraw'))[0]?.failures !== 1) await setImmediate();
    api.bank.faults = {};
    api.clock.advance(120);
    while ((await api.waiting('withdraw')).length > 0) await setImmediate();
    expect(api.bank.revoked).toContainEqual({ refreshToken: `of ${consentId}` });
  });

  test('leaves no data call to a token that is still alive', async () => {
    const { userId } = await connectPerson(api);
    const token = api.issue('accounts:read', { subject: userId });
    expect((await api.get('/v3/accounts', token)).status).toBe(200);
    await api.call('delete', `/users/${userId}`, api.issue('user:delete'));
    expect((await api.get('/v3/accounts', token)).status).toBe(403);
  });

  test('twice at the same time leaves nothing; the later finds it gone or agrees', async () => {
    const { userId, consentId } = await connectPerson(api);
    const token = api.issue('user:delete');
    const answers = await Promise.all(
      [1, 2].map(() => api.call('delete', `/users/${userId}`, token)),
    );
    const [earlier, later] = answers.map(({ status }) => status).sort();
    expect(earlier).toBe(204);
    // Removing what another request removed in between is no conflict (storage port).
    expect([204, 404]).toContain(later);
    expect(await api.storage.get(users, userId)).toBeUndefined();
    expect((await api.storage.get(consents, consentId))?.value.status).toBe('revoked');
  });
});

test("knows nothing of another client's user, or of an unknown one", async () => {
  const { userId } = await connectPerson(api);
  const foreign = api.issue('user:read user:delete', { clientId: 'other' });
  for (const id of [userId, 'nobody', '%00', '%ZZ', '..%2f', 'x'.repeat(5000), '__proto__']) {
    expect((await api.get(`/users/${id}`, foreign)).status).toBe(404);
    expect((await api.call('delete', `/users/${id}`, foreign)).status).toBe(404);
    expect((await api.get(`/users/${id}/connections`, foreign)).status).toBe(404);
  }
  expect((await api.get(`/users/${userId}`, api.issue('user:read'))).status).toBe(200);
});

// SEC-39, SEC-55
test('bad input on the edges is refused, and does nothing', async () => {
  const token = api.issue('user:create user:read user:delete connection:delete');
  const deep = `{"x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
  const asked = await request(api.server)
    .post('/users')
    .set({ authorization: `Bearer ${token}`, 'idempotency-key': 'deep' })
    .type('json')
    .send(deep);
  expect(asked.status).toBe(400);
  expect(asked.body.message).toBe('The body is nested too deeply');

  const made = await request(api.server)
    .post('/users')
    .set({ authorization: `Bearer ${token}` })
    .send({});
  // What a client makes of `/users/{id}/connections/..`.
  const slashed = await request(api.server)
    .delete(`/users/${made.body.userId}/`)
    .set({ authorization: `Bearer ${token}` });
  expect(slashed.status).toBe(404);
  expect((await api.get(`/users/${made.body.userId}`, token)).status).toBe(200);
});
