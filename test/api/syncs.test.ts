import { InstitutionError } from '../../core/institution.js';
import { connectPerson } from './support/connect-person.js';
import type { TestApi } from './support/start-api.js';
import { type SyncClient, startSyncs } from './support/start-syncs.js';

let app: SyncClient;
let api: TestApi;
beforeEach(async () => {
  app = await startSyncs();
  api = app.api;
});
afterEach(() => api.stop());

const hour = 3600;
const day = 24 * hour;

describe('lists of syncs', () => {
  test('newest first, page by page, under either scope family', async () => {
    const { userId, connectionId } = await app.synchronised();
    const other = await app.synchronised({ user: { userId } });
    api.clock.advance(60);
    await api.syncs.update(connectionId);
    const [account] = (await app.read(connectionId))?.accountIds ?? [];
    const path = `/users/${userId}/connections/${connectionId}/syncs`;
    const listed = await api.get(path, api.issue('connection:read'));
    const at = new Date(api.clock.now()).toISOString();
    expect(listed.body.meta).toEqual({ total: 2, limit: 100, offset: 0 });
    expect(listed.body.data[0]).toEqual({
      id: expect.any(String),
      connectionId,
      action: 'client-update',
      method: 'UPDATE',
      fetchStatus: 'success',
      createdAt: at,
      fetchedAt: at,
      accounts: [{ providerId: 'north-bank', accountId: account }],
    });
    const [newest, first] = listed.body.data;
    expect(first.method).toBe('ADD');
    const next = await api.get(`${path}?limit=1&offset=1`, api.issue('user:read'));
    expect(next.body).toEqual({ data: [first], meta: { total: 2, limit: 1, offset: 1 } });
    const all = await api.get(`/users/${userId}/syncs`, api.issue('user:read'));
    expect(all.body.meta.total).toBe(3);
    expect(all.body.data.map((each: typeof first) => each.connectionId)).toContain(
      other.connectionId,
    );
    const one = await api.get(`/users/${userId}/syncs/${newest.id}`, api.issue('connection:read'));
    expect(one.body).toEqual({ data: newest, meta: {} });
  });

  test("another client's, another user's and unknown ones are not there", async () => {
    const mine = await app.synchronised();
    const theirs = await app.synchronised({ user: { clientId: 'other' } });
    const [sync] = (
      await api.get(`/users/${theirs.userId}/syncs`, api.issue('user:read', { clientId: 'other' }))
    ).body.data;
    for (const path of [
      `/users/${theirs.userId}/syncs`,
      `/users/${theirs.userId}/syncs/${sync.id}`,
      `/users/${mine.userId}/syncs/${sync.id}`,
      `/users/${mine.userId}/syncs/unknown`,
      `/users/${mine.userId}/connections/${theirs.connectionId}/syncs`,
      `/users/${mine.userId}/connections/${theirs.connectionId}/sync-budget`,
    ]) {
      const answer = await api.get(path, api.issue('connection:read'));
      expect({ path, status: answer.status, code: answer.body.code }).toEqual({
        path,
        status: 404,
        code: 'NotFound',
      });
    }
    const path = `/users/${mine.userId}/syncs`;
    expect((await api.get(path, api.issue('accounts:read'))).status).toBe(403);
    expect((await api.get(`${path}?limit=0`, api.issue('user:read'))).status).toBe(400);
  });

  test('a sync goes with its connection', async () => {
    const { userId, connectionId } = await app.synchronised();
    await api.connections.remove('app', userId, connectionId);
    const answer = await api.get(`/users/${userId}/syncs`, api.issue('user:read'));
    expect(answer.body).toMatchObject({ data: [], meta: { total: 0 } });
  });
});

describe('a sync that is asked for', () => {
  test('begins, is joined while it is under way, and can be asked for once in 5 seconds', async () => {
    const { userId, connectionId } = await app.synchronised();
    const token = app.writer(userId);
    const asked = await app.request(connectionId, token);
    expect(asked.status).toBe(200);
    const { syncId } = asked.body.data;
    expect(asked.body).toEqual({ data: { status: 'ok', syncId }, meta: {} });

    for (const seconds of [0, 2, 6]) {
      api.clock.advance(seconds);
      const joined = await app.request(connectionId, token);
      expect(joined).toMatchObject({ status: 200, body: asked.body });
      expect(joined.headers['x-ratelimit-remaining']).toBe('3');
    }
    expect(await api.syncs.finish(syncId)).toMatchObject({ fetchStatus: 'success' });

    const next = (await app.request(connectionId, token)).body.data.syncId;
    expect(next).not.toBe(syncId);
    expect(await api.syncs.finish(next)).toMatchObject({ fetchStatus: 'success' });
    api.clock.advance(2);
    const soon = await app.request(connectionId, token);
    expect(soon.status).toBe(429);
    expect(soon.body).toMatchObject({
      code: 'TooManyRequests',
      message: 'A connection can be synchronised once in 5 seconds',
    });
    expect(soon.headers['retry-after']).toBe('3');
    api.clock.advance(3);
    expect((await app.request(connectionId, token)).body.data.syncId).not.toBe(next);
  });

  test('several at once: one begins it, and the others join', async () => {
    const { userId, connectionId } = await app.synchronised();
    const token = app.writer(userId);
    const answers = await Promise.all([1, 2, 3].map(() => app.request(connectionId, token)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.data.syncId)).size).toBe(1);
    expect(answers[0]?.headers['x-ratelimit-remaining']).toBe('3');
  });

  test('is waited for where the client wants that, and says how it ended', async () => {
    const { userId, connectionId } = await app.synchronised();
    api.doJobs();
    const token = app.writer(userId);
    const good = await app.request(connectionId, token, { enableAsync: false });
    expect(good.body.data.status).toBe('ok');
    expect((await app.read(connectionId))?.lastUpdated).toBeDefined();
    api.clock.advance(60);
    api.bank.faults.open = new InstitutionError('authorization_lost', 'gone');
    const bad = await app.request(connectionId, token, { enableAsync: false });
    expect(bad.body.data.status).toBe('error');
    const { fetchStatus } = (await api.syncs.read(bad.body.data.syncId)) ?? {};
    expect(fetchStatus).toBe('credentials-error');
  });

  test.each([
    ['no token', '', {}, 401],
    ['only reading', 'accounts:read', {}, 403],
    ['only writing', 'accounts:write:all', {}, 403],
    ['nobody', 'accounts:read accounts:write', { subject: undefined }, 403],
    ['somebody else', 'accounts:read accounts:write', { subject: 'f'.repeat(24) }, 404],
    ['another client', 'accounts:read accounts:write:all', { clientId: 'other' }, 404],
    ['another consent', 'accounts:read accounts:write', { grantId: 'other' }, 404],
  ])('a token with %s is refused', async (_what, scope, facts, status) => {
    const { userId, connectionId } = await app.synchronised();
    const token = scope === '' ? 'unknown' : api.issue(scope, { subject: userId, ...facts });
    const answer = await app.request(connectionId, token);
    expect(answer.status).toBe(status);
    expect(answer.body.message).toEqual(expect.any(String));
    const listed = await api.get(`/users/${userId}/syncs`, api.issue('user:read'));
    expect(listed.body.meta.total).toBe(1);
  });

  test.each([
    { customerIpAddress: 'localhost' },
    { customerIpAddress: '192.0.2.1\r\nx-injected: 1' },
    { customerLastLoggedTime: 'yesterday' },
    { enableAsync: 'yes' },
  ])('a body with %j is refused', async (body) => {
    const { userId, connectionId } = await app.synchronised();
    const answer = await app.request(connectionId, app.writer(userId), body);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('BadRequest');
    expect(answer.body.message).toContain(Object.keys(body)[0]);
  });

  test.each([
    [true, 'extend it by reconsent'],
    [false, 'authenticate at the bank again'],
  ])('an expired consent (tppConsent %s) is told what to do: %s', async (tppConsent, remedy) => {
    const { userId, connectionId } = await app.synchronised({ consent: { tppConsent } });
    api.clock.advance(91 * day);
    const answer = await app.request(connectionId, app.writer(userId));
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: 'Conflict' });
    expect(answer.body.message).toContain(remedy);
  });
});

describe('what a connection shows', () => {
  test.each([
    ['all well', {}, {}, 0, { status: 'ok', error: null }],
    ['no news for two days', {}, {}, 49 * hour, { status: 'error', error: 'resync' }],
    ['one-time access', {}, { access: 'one-time' }, 0, { singleSyncOnly: true }],
    ['a legacy bank', { kind: 'legacy' }, {}, 49 * hour, { useMfa: true, error: null }],
    [
      'expired',
      {},
      {},
      91 * day,
      { status: 'error', error: 'sync_error', extendedStatus: 'expired' },
    ],
    [
      'lost and expired',
      { status: 'error', error: 'credentials_error' },
      {},
      91 * day,
      { error: 'credentials_error', extendedStatus: 'expired' },
    ],
  ] as const)('%s', async (_what, connection, consent, later, expected) => {
    const { userId } = await connectPerson(api, { connection, consent });
    api.clock.advance(later);
    const { body } = await api.get(`/users/${userId}/connections`, api.issue('connection:read'));
    expect(body.data[0]).toMatchObject({ singleSyncOnly: false, useMfa: false, ...expected });
  });

  test("userConsentedAt is the person's last consent", async () => {
    const [first, last] = ['2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z'];
    const history = [
      { status: 'authorised', at: first, means: 'connect' },
      { status: 'authorised', at: last, means: 'reconsent' },
    ] as const;
    const { userId } = await connectPerson(api, { consent: { history } });
    const { body } = await api.get(`/users/${userId}/connections`, api.issue('user:read'));
    expect(body.data[0].userConsentedAt).toBe(last);
  });
});
