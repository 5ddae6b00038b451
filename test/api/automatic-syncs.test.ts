import { nextAutomaticSync } from '../../core/automatic-syncs.js';
import { consents } from '../../core/consent.js';
import { InstitutionError } from '../../core/institution.js';
import { orderSync } from '../../core/order-sync.js';
import { put } from '../../core/storage.js';
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

describe('the budget of unattended syncs', () => {
  const budgetOf = async (userId: string, connectionId: string) => {
    const path = `/users/${userId}/connections/${connectionId}/sync-budget`;
    return (await api.get(path, api.issue('connection:read'))).body.data;
  };

  test('four in any 24 hours; a present person needs none, and the bank is told of them', async () => {
    const { userId, connectionId } = await app.synchronised();
    const [accountId] = (await app.read(connectionId))?.accountIds ?? [];
    // The first sync counted on nothing.
    expect(await budgetOf(userId, connectionId)).toEqual({
      limit: 4,
      remaining: 4,
      resetsAt: null,
      accounts: [{ accountId, remaining: 4, resetsAt: null }],
    });
    const begun = api.clock.now();
    for (const remaining of ['3', '2', '1', '0']) {
      const { headers, body } = await app.request(connectionId, app.writer(userId));
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
    const refused = await app.request(connectionId, app.writer(userId));
    expect(refused.status).toBe(429);
    expect(refused.body.code).toBe('TooManyRequests');
    expect(refused.body.message).toContain('customerIpAddress');
    expect(refused.headers).toMatchObject({
      'retry-after': String(20 * hour),
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(20 * hour),
    });

    const lastLoggedIn = new Date(begun);
    const present = await app.request(connectionId, app.writer(userId), {
      customerIpAddress: '2001:db8::7',
      customerLastLoggedTime: lastLoggedIn.toISOString(),
    });
    expect(present.status).toBe(200);
    await api.syncs.finish(present.body.data.syncId);
    expect(api.bank.customers.at(-1)).toEqual({ ipAddress: '2001:db8::7', lastLoggedIn });

    api.clock.advance(20 * hour);
    expect(
      (await app.request(connectionId, app.writer(userId))).headers['x-ratelimit-remaining'],
    ).toBe('0');
  });

  test('a bank that takes no more calls empties it until it does', async () => {
    const { userId, connectionId } = await app.synchronised();
    api.bank.faults.accounts = new InstitutionError('rate_limited', 'no', { retryAfter: 600 });
    await api.syncs.update(connectionId);
    const until = new Date(api.clock.now() + 600_000).toISOString();
    expect(await budgetOf(userId, connectionId)).toMatchObject({ remaining: 0, resetsAt: until });
    const refused = await app.request(connectionId, app.writer(userId));
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '600' } });
    api.clock.advance(600);
    expect((await app.request(connectionId, app.writer(userId))).status).toBe(200);
  });
});

/** As a crash leaves the order on an engine without transactions: the job was to be written next. */
async function orderWithoutJob(connectionId: string) {
  const connection = await app.read(connectionId);
  if (!connection) throw new TypeError('no connection');
  const at = new Date(api.clock.now());
  const order = orderSync(connection, { action: 'auto-update', method: 'UPDATE' }, at);
  await api.storage.commit(order.writes.filter(({ kind }) => kind === 'insert'));
  return order.syncId;
}

describe('a sync whose job was lost', () => {
  test('is joined by the next request, and done', async () => {
    const { userId, connectionId } = await app.synchronised();
    api.clock.advance(day);
    const syncId = await orderWithoutJob(connectionId);
    const joined = await app.request(connectionId, app.writer(userId));
    expect(joined.body.data.syncId).toBe(syncId);
    expect((await api.syncs.finish(syncId))?.fetchStatus).toBe('success');
  });

  test('is done by the plan that ordered it, which outlives the order', async () => {
    const { connectionId } = await app.synchronised();
    api.clock.advance(day);
    const syncId = await orderWithoutJob(connectionId);
    await api.syncs.runAutomatic(connectionId);
    expect((await api.syncs.finish(syncId))?.fetchStatus).toBe('success');
    expect(await app.automatic(connectionId)).toBeDefined();
  });
});

describe('automatic syncs', () => {
  test('come every few hours while there is a budget, and never twice at once', async () => {
    const { userId, connectionId } = await app.synchronised();
    const planned = await app.automatic(connectionId);
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
    expect(await app.automatic(connectionId)).toBeUndefined();
    const [sync] = (await api.get(`/users/${userId}/syncs`, api.issue('user:read'))).body.data;
    expect(sync).toMatchObject({ action: 'auto-update', method: 'UPDATE' });
    await api.syncs.finish(sync.id);
    expect(api.bank.customers.at(-1)).toBeUndefined();

    api.clock.advance(1);
    // While one that somebody asked for is under way, it is left to that one to plan the next.
    const asked = await app.request(connectionId, app.writer(userId));
    await api.syncs.runAutomatic(connectionId);
    expect(await app.automatic(connectionId)).toBeUndefined();
    await api.syncs.finish(asked.body.data.syncId);
    for (const _ of [3, 4]) {
      api.clock.advance(1);
      await api.syncs.runAutomatic(connectionId);
      await api.syncs.finishLatest(connectionId);
    }
    // Four are spent: put off until there is room.
    await api.syncs.runAutomatic(connectionId);
    expect((await app.automatic(connectionId))?.due).toBe(
      new Date(first + day * 1000).toISOString(),
    );
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
    expect(await app.automatic(connectionId)).toBeUndefined();
  });

  test('end after a week of failures, which the connection shows, and begin again', async () => {
    const { userId, connectionId } = await app.synchronised();
    api.bank.faults.open = new InstitutionError('unavailable', 'down');
    await api.syncs.update(connectionId);
    expect(await app.automatic(connectionId)).toBeDefined();
    api.clock.advance(7 * day + 1);
    await api.syncs.update(connectionId);
    expect(await app.automatic(connectionId)).toBeUndefined();
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
    expect(await app.automatic(connectionId)).toBeDefined();
    expect(await shown()).toMatchObject({ status: 'ok', error: null });
    expect(await shown()).not.toHaveProperty('extendedStatus');
  });

  test('a plan made while the consent was in force does nothing when it is over', async () => {
    const { connectionId, consentId } = await app.synchronised();
    const consent = (await api.storage.get(consents, consentId))?.value;
    if (!consent) throw new TypeError('no consent');
    const over = { ...consent, expiresAt: new Date(api.clock.now()).toISOString() };
    await api.storage.commit([put(consents, consentId, over)]);
    const opened = api.bank.opened.length;
    await api.syncs.runAutomatic(connectionId);
    expect(await app.automatic(connectionId)).toBeUndefined();
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
