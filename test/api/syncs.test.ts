import { nextAutomaticSync } from '../../core/automatic-syncs.js';
import { connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { InstitutionError } from '../../core/institution.js';
import { jobs } from '../../core/job.js';
import { orderSync } from '../../core/order-sync.js';
import { put } from '../../core/storage.js';
import { connectPerson } from './support/connect-person.js';
import { startApi, type TestApi } from './support/start-api.js';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
  api.bank.accounts = [
    { upstreamId: 'a1', name: 'a1', type: 'cash:current', holder: 'personal', currency: 'GBP' },
  ];
});
afterEach(() => api.stop());

const hour = 3600;
const day = 24 * hour;

/** A person whose first sync has ended. */
async function synchronised(given: Parameters<typeof connectPerson>[1] = {}) {
  const person = await connectPerson(api, given);
  // Syncs are in the order of time, and no two of them begin at once.
  api.clock.advance(1);
  await api.syncs.finish(await api.syncs.first(person.connectionId));
  return person;
}

const writer = (subject: string, more = {}) =>
  api.issue('accounts:read accounts:write:all', { subject, ...more });

const request = (connectionId: string, token: string, body: object = {}) =>
  api.call('post', `/v3/sync/${connectionId}`, token, body);

const read = async (id: string) => (await api.storage.get(connections, id))?.value;

const automatic = async (id: string) =>
  (await api.storage.get(jobs, `automatic-sync:${id}`))?.value;

describe('lists of syncs', () => {
  test('newest first, page by page, under either scope family', async () => {
    const { userId, connectionId } = await synchronised();
    const other = await synchronised({ user: { userId } });
    api.clock.advance(60);
    await api.syncs.update(connectionId);
    const [account] = (await read(connectionId))?.accountIds ?? [];
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
    const mine = await synchronised();
    const theirs = await synchronised({ user: { clientId: 'other' } });
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
    const { userId, connectionId } = await synchronised();
    await api.connections.remove('app', userId, connectionId);
    const answer = await api.get(`/users/${userId}/syncs`, api.issue('user:read'));
    expect(answer.body).toMatchObject({ data: [], meta: { total: 0 } });
  });
});

describe('a sync that is asked for', () => {
  test('begins, is joined while it is under way, and can be asked for once in 5 seconds', async () => {
    const { userId, connectionId } = await synchronised();
    const token = writer(userId);
    const asked = await request(connectionId, token);
    expect(asked.status).toBe(200);
    const { syncId } = asked.body.data;
    expect(asked.body).toEqual({ data: { status: 'ok', syncId }, meta: {} });

    api.clock.advance(2);
    const soon = await request(connectionId, token);
    expect(soon.status).toBe(429);
    expect(soon.body).toMatchObject({
      code: 'TooManyRequests',
      message: 'A connection can be synchronised once in 5 seconds',
    });
    expect(soon.headers['retry-after']).toBe('3');

    api.clock.advance(3);
    const joined = await request(connectionId, token);
    expect(joined.body.data).toEqual({ status: 'ok', syncId });
    expect(joined.headers['x-ratelimit-remaining']).toBe('3');
    expect(await api.syncs.finish(syncId)).toMatchObject({ fetchStatus: 'success' });
    api.clock.advance(5);
    expect((await request(connectionId, token)).body.data.syncId).not.toBe(syncId);
  });

  test('two at once: one begins, the other is too early', async () => {
    const { userId, connectionId } = await synchronised();
    const token = writer(userId);
    const answers = await Promise.all([1, 2, 3].map(() => request(connectionId, token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 429, 429]);
  });

  test('is waited for where the client wants that, and says how it ended', async () => {
    const { userId, connectionId } = await synchronised();
    api.doJobs();
    const token = writer(userId);
    const good = await request(connectionId, token, { enableAsync: false });
    expect(good.body.data.status).toBe('ok');
    expect((await read(connectionId))?.lastUpdated).toBeDefined();
    api.clock.advance(60);
    api.bank.faults.open = new InstitutionError('authorization_lost', 'gone');
    const bad = await request(connectionId, token, { enableAsync: false });
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
    const { userId, connectionId } = await synchronised();
    const token = scope === '' ? 'unknown' : api.issue(scope, { subject: userId, ...facts });
    const answer = await request(connectionId, token);
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
    const { userId, connectionId } = await synchronised();
    const answer = await request(connectionId, writer(userId), body);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('BadRequest');
    expect(answer.body.message).toContain(Object.keys(body)[0]);
  });

  test.each([
    [true, 'extend it by reconsent'],
    [false, 'authenticate at the bank again'],
  ])('an expired consent (tppConsent %s) is told what to do: %s', async (tppConsent, remedy) => {
    const { userId, connectionId } = await synchronised({ consent: { tppConsent } });
    api.clock.advance(91 * day);
    const answer = await request(connectionId, writer(userId));
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: 'Conflict' });
    expect(answer.body.message).toContain(remedy);
  });
});

describe('the budget of unattended syncs', () => {
  const budgetOf = async (userId: string, connectionId: string) => {
    const path = `/users/${userId}/connections/${connectionId}/sync-budget`;
    return (await api.get(path, api.issue('connection:read'))).body.data;
  };

  test('four in any 24 hours; a present person needs none, and the bank is told of them', async () => {
    const { userId, connectionId } = await synchronised();
    const [accountId] = (await read(connectionId))?.accountIds ?? [];
    // The first sync counted on nothing.
    expect(await budgetOf(userId, connectionId)).toEqual({
      limit: 4,
      remaining: 4,
      resetsAt: null,
      accounts: [{ accountId, remaining: 4, resetsAt: null }],
    });
    const begun = api.clock.now();
    for (const remaining of ['3', '2', '1', '0']) {
      const { headers, body } = await request(connectionId, writer(userId));
      expect(headers).toMatchObject({
        'x-ratelimit-limit': '4',
        'x-ratelimit-remaining': remaining,
      });
      await api.syncs.finish(body.data.syncId);
      api.clock.advance(hour);
    }
    const resetsAt = new Date(begun + day * 1000).toISOString();
    expect(await budgetOf(userId, connectionId)).toEqual({
      limit: 4,
      remaining: 0,
      resetsAt,
      accounts: [{ accountId, remaining: 0, resetsAt }],
    });
    const refused = await request(connectionId, writer(userId));
    expect(refused.status).toBe(429);
    expect(refused.body.code).toBe('TooManyRequests');
    expect(refused.body.message).toContain('customerIpAddress');
    expect(refused.headers).toMatchObject({
      'retry-after': String(20 * hour),
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(20 * hour),
    });

    const lastLoggedIn = new Date(begun);
    const present = await request(connectionId, writer(userId), {
      customerIpAddress: '2001:db8::7',
      customerLastLoggedTime: lastLoggedIn.toISOString(),
    });
    expect(present.status).toBe(200);
    await api.syncs.finish(present.body.data.syncId);
    expect(api.bank.customers.at(-1)).toEqual({ ipAddress: '2001:db8::7', lastLoggedIn });

    api.clock.advance(20 * hour);
    expect((await request(connectionId, writer(userId))).headers['x-ratelimit-remaining']).toBe(
      '0',
    );
  });

  test('a bank that takes no more calls empties it until it does', async () => {
    const { userId, connectionId } = await synchronised();
    api.bank.faults.accounts = new InstitutionError('rate_limited', 'no', { retryAfter: 600 });
    await api.syncs.update(connectionId);
    const until = new Date(api.clock.now() + 600_000).toISOString();
    expect(await budgetOf(userId, connectionId)).toMatchObject({ remaining: 0, resetsAt: until });
    const refused = await request(connectionId, writer(userId));
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '600' } });
    api.clock.advance(600);
    expect((await request(connectionId, writer(userId))).status).toBe(200);
  });
});

/** As a crash leaves the order on an engine without transactions: the job was to be written next. */
async function orderWithoutJob(connectionId: string) {
  const connection = await read(connectionId);
  if (!connection) throw new TypeError('no connection');
  const at = new Date(api.clock.now());
  const order = orderSync(connection, { action: 'auto-update', method: 'UPDATE' }, at);
  await api.storage.commit(order.writes.filter(({ kind }) => kind === 'insert'));
  return order.syncId;
}

describe('a sync whose job was lost', () => {
  test('is joined by the next request, and done', async () => {
    const { userId, connectionId } = await synchronised();
    api.clock.advance(day);
    const syncId = await orderWithoutJob(connectionId);
    const joined = await request(connectionId, writer(userId));
    expect(joined.body.data.syncId).toBe(syncId);
    expect((await api.syncs.finish(syncId))?.fetchStatus).toBe('success');
  });

  test('is done by the plan that ordered it, which outlives the order', async () => {
    const { connectionId } = await synchronised();
    api.clock.advance(day);
    const syncId = await orderWithoutJob(connectionId);
    await api.syncs.runAutomatic(connectionId);
    expect((await api.syncs.finish(syncId))?.fetchStatus).toBe('success');
    expect(await automatic(connectionId)).toBeDefined();
  });
});

describe('automatic syncs', () => {
  test('come every few hours while there is a budget, and never twice at once', async () => {
    const { userId, connectionId } = await synchronised();
    const planned = await automatic(connectionId);
    const due = nextAutomaticSync({ id: connectionId, kind: 'api' }, new Date(api.clock.now()), 4);
    expect(planned?.due).toBe(due.toISOString());
    api.clock.advance(4 * hour);
    const first = api.clock.now();
    await api.syncs.runAutomatic(connectionId);
    // The order is durable before the plan goes.
    expect(api.calls.filter((call) => call.startsWith('commit')).slice(-2)).toEqual([
      'commit bank_calls,sync,job',
      'commit job',
    ]);
    expect(await automatic(connectionId)).toBeUndefined();
    const [sync] = (await api.get(`/users/${userId}/syncs`, api.issue('user:read'))).body.data;
    expect(sync).toMatchObject({ action: 'auto-update', method: 'UPDATE' });
    await api.syncs.finish(sync.id);
    expect(api.bank.customers.at(-1)).toBeUndefined();

    api.clock.advance(1);
    // While one that somebody asked for is under way, it is left to that one to plan the next.
    const asked = await request(connectionId, writer(userId));
    await api.syncs.runAutomatic(connectionId);
    expect(await automatic(connectionId)).toBeUndefined();
    await api.syncs.finish(asked.body.data.syncId);
    for (const _ of [3, 4]) {
      api.clock.advance(1);
      await api.syncs.runAutomatic(connectionId);
      await api.syncs.finishLatest(connectionId);
    }
    // Four are spent: put off until there is room.
    await api.syncs.runAutomatic(connectionId);
    expect((await automatic(connectionId))?.due).toBe(new Date(first + day * 1000).toISOString());
  });

  test.each([
    ['a one-time connection', { consent: { access: 'one-time' } }, {}],
    ['a consent that is over', { consent: { expiresAt: '2020-01-01T00:00:00.000Z' } }, {}],
    ['a bank that was lost', {}, { open: new InstitutionError('authorization_lost', 'gone') }],
  ] as const)('none for %s', async (_what, given, faults) => {
    const { connectionId } = await connectPerson(api, given);
    await api.syncs.update(connectionId);
    api.bank.faults = faults;
    await api.syncs.update(connectionId);
    expect(await automatic(connectionId)).toBeUndefined();
  });

  test('end after a week of failures, which the connection shows, and begin again', async () => {
    const { userId, connectionId } = await synchronised();
    api.bank.faults.open = new InstitutionError('unavailable', 'down');
    await api.syncs.update(connectionId);
    expect(await automatic(connectionId)).toBeDefined();
    api.clock.advance(7 * day + 1);
    await api.syncs.update(connectionId);
    expect(await automatic(connectionId)).toBeUndefined();
    const shown = async () => {
      const { body } = await api.get(`/users/${userId}/connections`, api.issue('user:read'));
      return body.data[0];
    };
    expect(await shown()).toMatchObject({
      status: 'error',
      error: 'resync',
      extendedStatus: 'stoppedSyncing',
    });
    api.bank.faults = {};
    await api.syncs.update(connectionId);
    expect(await automatic(connectionId)).toBeDefined();
    expect(await shown()).toMatchObject({ status: 'ok', error: null });
    expect(await shown()).not.toHaveProperty('extendedStatus');
  });

  test('a plan made while the consent was in force does nothing when it is over', async () => {
    const { connectionId, consentId } = await synchronised();
    const consent = (await api.storage.get(consents, consentId))?.value;
    if (!consent) throw new TypeError('no consent');
    const over = { ...consent, expiresAt: new Date(api.clock.now()).toISOString() };
    await api.storage.commit([put(consents, consentId, over)]);
    const opened = api.bank.opened.length;
    await api.syncs.runAutomatic(connectionId);
    expect(await automatic(connectionId)).toBeUndefined();
    expect(api.bank.opened).toHaveLength(opened);
  });

  test('are between 06:00 and 23:00 UTC, spread in the morning; of legacy banks at night', () => {
    const ids = Array.from({ length: 200 }, (_, n) => `bank:${n}`);
    const hours = (kind: 'api' | 'legacy', after: string) =>
      ids.map((id) => {
        const due = nextAutomaticSync({ id, kind }, new Date(after), 4);
        expect(due.getTime()).toBeGreaterThan(Date.parse(after));
        return (due.getTime() - Date.parse('2026-03-01T00:00:00Z')) / 3_600_000;
      });
    const within = (found: readonly number[], from: number, to: number) => {
      expect(Math.min(...found)).toBeGreaterThanOrEqual(from);
      expect(Math.max(...found)).toBeLessThan(to);
    };
    within(hours('api', '2026-03-01T10:00:00Z'), 14, 14.25);
    // Too late in the evening, and too early in the morning.
    within(hours('api', '2026-03-01T20:00:00Z'), 30, 34);
    within(hours('api', '2026-03-02T00:30:00Z'), 30, 34);
    const spread = hours('api', '2026-03-01T20:00:00Z').map(Math.floor);
    expect(new Set(spread).size).toBe(4);
    within(hours('legacy', '2026-03-01T12:00:00Z'), 25, 29);
    within(hours('legacy', '2026-03-02T00:30:00Z'), 25, 29);
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
