import { accounts } from '../../core/account.js';
import type { CheckedRequest } from '../../core/connect.js';
import { type Connection, connections } from '../../core/connection.js';
import { parseConnectionRequest } from '../../core/connection-request.js';
import { type Consent, consents } from '../../core/consent.js';
import type { BankAccount, VisitOutcome } from '../../core/institution.js';
import { jobs } from '../../core/job.js';
import { matchAccounts } from '../../core/match-accounts.js';
import { defaultPermissions } from '../../core/permissions.js';
import { put, type Storage, update } from '../../core/storage.js';
import { users } from '../../core/user.js';
import { grants, startApi, type TestApi } from '../api/support/start-api.js';
import { arriveAndKeep, client, createTestConnect } from './support/test-connect.js';

const day = 86_400_000;
const userId = 'a'.repeat(24);
const connectionId = 'north-bank:11111111-1111-4111-8111-111111111111';
const yes: VisitOutcome = {
  outcome: 'authorised',
  authorization: { refreshToken: 'of the visit' },
  subject: 'amara',
};
const everyday: BankAccount = {
  upstreamId: 'a-1',
  name: 'Everyday',
  type: 'cash:current',
  holder: 'personal',
  currency: 'GBP',
  identification: { sortCode: '100000', accountNumber: '12345678' },
};

let api: TestApi;

beforeEach(async () => {
  api = await startApi();
});

afterEach(() => api.stop());

/** A person with a connection that the bank has forgotten, and whose consent ended yesterday. */
async function connected(
  changes: { connection?: Partial<Connection>; consent?: Partial<Consent> } = {},
) {
  const { clock, storage } = api;
  const iso = (days: number) => new Date(clock.now() + days * day).toISOString();
  const user = { userId, clientId: 'app', managedBy: 'client', userType: 'live' } as const;
  const consent: Consent = {
    id: '22222222-2222-4222-8222-222222222222',
    clientId: 'app',
    userId,
    connectionId,
    institutionId: 'north-bank',
    access: 'ongoing',
    permissions: defaultPermissions,
    expiresAt: iso(-1),
    tppConsent: true,
    status: 'authorised',
    history: [{ status: 'authorised', at: iso(-91), means: 'connect' }],
    ...changes.consent,
  };
  const connection: Connection = {
    id: connectionId,
    clientId: 'app',
    userId,
    institutionId: 'north-bank',
    institutionName: 'North Bank',
    kind: 'api',
    consentId: consent.id,
    status: 'error',
    error: 'credentials_error',
    connectedOn: iso(-91),
    accountIds: [],
    bankSubject: 'amara',
    authorization: { refreshToken: 'before' },
    ...changes.connection,
  };
  const [account] = matchAccounts(connection, [], [everyday], new Date(clock.now()));
  if (!account) throw new Error('no account');
  await storage.commit([
    put(users, userId, {
      ...user,
      createdAt: iso(-91),
      updatedAt: iso(-91),
      lastAccessed: iso(-91),
    }),
    put(consents, consent.id, consent),
    put(connections, connectionId, { ...connection, accountIds: [account.id] }),
    put(accounts, account.id, account),
  ]);
  return { consent, connection };
}

/** What a client asks for, as it sends it. */
async function check(
  scope: string,
  claims: object = {},
  of = { sub: userId, connection: connectionId },
) {
  const { connect } = createTestConnect(api);
  const policy = {
    ...{ now: api.clock.now(), oneTimeConsent: 86_400, ongoingConsent: 90 * 86_400 },
    revival: 180 * 86_400,
  };
  const asked = {
    id_token: { sub: { value: of.sub }, 'mh:con_id': { value: of.connection }, ...claims },
  };
  const request = parseConnectionRequest(['openid', scope], JSON.stringify(asked), policy);
  return connect.check(request, client, policy);
}

async function depart(test: ReturnType<typeof createTestConnect>, claims: object = {}) {
  const request = await check('reauth', claims);
  await test.connect.depart(await test.open('uid', request), request);
  return { request, open: () => test.open('uid', request) };
}

async function read(storage: Storage) {
  const connection = await storage.get(connections, connectionId);
  const consent = connection && (await storage.get(consents, connection.value.consentId));
  if (!consent) throw new Error('no connection');
  return { connection: connection.value, consent: consent.value };
}

async function jobNames() {
  const { records } = await api.storage.find(jobs, { index: 'due', from: '', limit: 100 });
  return records.map(({ value: { kind, data } }) => {
    const type = typeof data === 'object' && data && 'type' in data ? ` ${data.type}` : '';
    return `${kind}${type}`;
  });
}

describe('reauth', () => {
  test('revives a connection in place, at the moment of the bank’s yes and not before', async () => {
    const before = await connected();
    const test = createTestConnect(api);
    const { open } = await depart(test);
    expect(await read(api.storage)).toMatchObject({ consent: before.consent });
    expect(test.renewed).toEqual([{ refreshToken: 'before' }]);

    test.answer({ ...yes, validUntil: new Date(api.clock.now() + 180 * day) });
    await arriveAndKeep(api, test.connect, await open());

    const end = new Date(api.clock.now() + 90 * day).toISOString();
    const { connection, consent } = await read(api.storage);
    expect(connection).toMatchObject({
      id: connectionId,
      consentId: before.consent.id,
      status: 'ok',
      accountIds: [expect.any(String)],
      authorization: { refreshToken: 'of the visit' },
      bankSubject: 'amara',
      bankValidUntil: new Date(api.clock.now() + 180 * day).toISOString(),
    });
    expect(connection.error).toBeUndefined();
    expect(consent).toMatchObject({ expiresAt: end, tppConsent: true });
    expect(consent.history).toHaveLength(2);
    expect(consent.history[1]).toMatchObject({ means: 'reauth', expiresAt: end });
    expect((await api.storage.get(grants, consent.id))?.value.of).toBe(end);
    expect(await jobNames()).toEqual(
      expect.arrayContaining([
        'sync-connection',
        'publish-event connectionReauthenticated',
        'consent-clock',
      ]),
    );
    await test.expectWithdrawn('north-bank before');
  });

  test('an end set by the client holds at the bank too, and takes reconsent away', async () => {
    await connected();
    const test = createTestConnect(api);
    const expirationDateTime = new Date(api.clock.now() + 10 * day).toISOString();
    const { open } = await depart(test, {
      'mh:consent': { value: { expirationDateTime, permissions: ['ReadParty'] } },
    });
    test.answer(yes);
    await arriveAndKeep(api, test.connect, await open());
    const { connection, consent } = await read(api.storage);
    expect(consent).toMatchObject({ expiresAt: expirationDateTime, tppConsent: false });
    expect(consent.permissions).toEqual([...defaultPermissions, 'ReadParty']);
    expect(connection.bankValidUntil).toBe(expirationDateTime);
  });

  test('asks the bank for no more of the past than it shares', async () => {
    await connected();
    const test = createTestConnect(api);
    const monthsAgo = (months: number) => {
      const date = new Date(api.clock.now());
      date.setUTCMonth(date.getUTCMonth() - months);
      return date.toISOString();
    };
    const asked = { transactionFromDateTime: monthsAgo(60) };
    const { open } = await depart(test, { 'mh:consent': { value: asked } });
    const shared = api.bank.directory.find('north-bank')?.monthsInitialConsent ?? 0;
    expect(shared).toBeLessThan(60);
    expect((await open()).value.visit?.terms.transactionFrom).toBe(monthsAgo(shared));
  });

  test('another person’s bank login takes nothing over, and nothing changes (SEC-19)', async () => {
    await connected();
    const before = await read(api.storage);
    const test = createTestConnect(api);
    const { open } = await depart(test);
    test.answer({ ...yes, subject: 'bruno' });
    expect(await arriveAndKeep(api, test.connect, await open())).toMatchObject({
      outcome: 'refused',
      reason: 'The person at the bank is not the one of this connection',
    });
    expect(await read(api.storage)).toEqual(before);
    expect(api.log).toContainEqual(expect.objectContaining({ level: 'warn' }));
    await test.expectWithdrawn('north-bank of the visit');
  });

  const others = { ...everyday, upstreamId: 'b-1', identification: { accountNumber: '99999999' } };
  test.each([
    ['the same account under its number', [{ ...everyday, upstreamId: 'renamed' }], 'connected'],
    ['only other accounts', [others], 'refused'],
    ['a joint account among those of its other holder', [everyday, others], 'refused'],
    ['none at all', [], 'refused'],
  ])('where the bank names nobody, %s decides (SEC-19)', async (_what, shown, outcome) => {
    await connected();
    const test = createTestConnect(api);
    const { open } = await depart(test);
    api.bank.accounts = shown;
    test.answer({ outcome: 'authorised', authorization: { refreshToken: 'of the visit' } });
    expect(await arriveAndKeep(api, test.connect, await open())).toMatchObject({ outcome });
    // Reading the accounts renewed the tokens: the new ones are kept, or withdrawn.
    const { connection } = await read(api.storage);
    expect(connection.authorization).toEqual({
      refreshToken: outcome === 'connected' ? 'after of the visit' : 'before',
    });
  });

  test('who guesses at a user name elsewhere keeps its owner from no renewal (SEC-58)', async () => {
    await connected({ connection: { kind: 'legacy', institutionId: 'old-bank' } });
    const test = createTestConnect(api);
    const other = { client_id: 'other', own_consent_screens: true };
    const connecting: CheckedRequest = {
      purpose: 'connect',
      institution: { id: 'old-bank' },
      permissions: defaultPermissions,
      expiresAt: new Date(api.clock.now() + day),
      tppConsent: false,
    };
    /** Answers wrongly once, in a visit of its own unless it is named. */
    let visits = 0;
    async function guess(
      user_name: string,
      request: CheckedRequest,
      by = client,
      uid = `${++visits}`,
    ) {
      const open = () => test.open(uid, request, by);
      if (!(await open()).value.visit) await test.connect.depart(await open(), request);
      const arrival = await test.connect.answer(await open(), { user_name });
      return arrival.outcome === 'asked' ? arrival.visit.problem : arrival.outcome;
    }
    const tooMany = 'Too many attempts. Wait a few minutes, then try again.';
    for (const typed of ['amara', 'AMARA', ' amara', 'amara ', '\u00a0amara']) {
      expect(await guess(typed, connecting)).toBe('Wrong');
    }
    expect(await guess('amara', connecting)).toBe(tooMany);
    expect(await guess('amara', connecting, other)).toBe('Wrong');
    const renewal = await check('reauth');
    for (let attempt = 1; attempt <= 5; attempt++) {
      expect(await guess('amara', renewal)).toBe('Wrong');
    }
    expect(await guess('bruno', renewal)).toBe(tooMany);
  });

  test('a sync that writes meanwhile costs nobody a reauth', async () => {
    await connected();
    const test = createTestConnect(api);
    const { open } = await depart(test);
    test.answer(yes);
    const arrival = await test.connect.arrive(await open(), new URLSearchParams());
    if (arrival.outcome !== 'connected') throw new Error('refused');
    let commits = 0;
    await arrival.keep(async ({ writes }) => {
      commits += 1;
      if (commits === 1) {
        const stored = await api.storage.get(connections, connectionId);
        if (stored) await api.storage.commit([update(connections, stored, stored.value)]);
      }
      await api.storage.commit(writes);
    });
    expect(commits).toBe(2);
    expect((await read(api.storage)).connection.status).toBe('ok');
  });

  test('leaving halfway changes nothing and withdraws the visit alone', async () => {
    await connected();
    const before = await read(api.storage);
    const test = createTestConnect(api);
    const { open } = await depart(test);
    await api.storage.commit(await test.connect.leave(await open()));
    expect(await read(api.storage)).toEqual(before);
    await test.expectWithdrawn('north-bank 1');
    await expect(test.connect.arrive(await open(), new URLSearchParams())).rejects.toMatchObject({
      code: 'invalid_callback',
    });
  });

  test('a connection that was deleted while the person was at the bank stays deleted', async () => {
    await connected();
    const test = createTestConnect(api);
    const { open } = await depart(test);
    test.answer(yes);
    const arrival = await test.connect.arrive(await open(), new URLSearchParams());
    if (arrival.outcome !== 'connected') throw new Error('refused');
    await api.connections.remove('app', userId, connectionId);
    await expect(arrival.keep(({ writes }) => api.storage.commit(writes))).rejects.toMatchObject({
      code: 'invalid_callback',
    });
    expect(await api.storage.get(connections, connectionId)).toBeUndefined();
    await test.expectWithdrawn('north-bank of the visit');
  });
});

describe('reconsent', () => {
  test('extends without the bank, and fetches again where it had ended', async () => {
    const { consent: before } = await connected({
      connection: { error: 'sync_error' },
      consent: { transactionFrom: '2026-01-01T00:00:00.000Z' },
    });
    const test = createTestConnect(api);
    const request = await check('reconsent', { 'mh:consent': { value: {} } });
    if (request.purpose !== 'reconsent') throw new Error('not a reconsent');
    const journey = await test.open('uid', request);
    expect(journey.value.agreed).toBe(false);
    await test.connect.extend(journey, request, ({ writes }) => api.storage.commit(writes));
    const { connection, consent } = await read(api.storage);
    const end = new Date(api.clock.now() + 90 * day).toISOString();
    expect(consent).toMatchObject({ ...before, expiresAt: end, history: expect.any(Array) });
    expect(consent.history[1]).toMatchObject({ means: 'reconsent', expiresAt: end });
    expect(connection).toMatchObject({ status: 'ok', authorization: { refreshToken: 'before' } });
    expect((await api.storage.get(grants, consent.id))?.value.of).toBe(end);
    expect(test.begun).toEqual([]);
    expect(await jobNames()).toEqual(
      expect.arrayContaining(['sync-connection', 'publish-event consentExtended', 'consent-clock']),
    );
    // The second tab's yes comes too late.
    const again = test.connect.extend(journey, request, ({ writes }) => api.storage.commit(writes));
    await expect(again).rejects.toThrow('did not apply');
    expect((await read(api.storage)).consent.history).toHaveLength(2);
  });

  const lost = { status: 'error', error: 'credentials_error' } as const;
  const ok = { status: 'ok', error: undefined } as const;

  test('fetches nothing where nothing had ended', async () => {
    const expiresAt = new Date(api.clock.now() + day).toISOString();
    await connected({ connection: ok, consent: { expiresAt } });
    const test = createTestConnect(api);
    const expirationDateTime = new Date(api.clock.now() + 30 * day).toISOString();
    const request = await check('reconsent', { 'mh:consent': { value: { expirationDateTime } } });
    if (request.purpose !== 'reconsent') throw new Error('not a reconsent');
    const journey = await test.open('uid', request);
    await test.connect.extend(journey, request, ({ writes }) => api.storage.commit(writes));
    expect((await read(api.storage)).consent).toMatchObject({
      expiresAt: expirationDateTime,
      tppConsent: true,
    });
    expect(await jobNames()).not.toContain('sync-connection');
  });

  test.each([
    ['before the person says yes', 0],
    ['while their yes is kept', 1],
  ])('a bank that is found to have lost the person %s is left so', async (_when, commitsBefore) => {
    const expiresAt = new Date(api.clock.now() + day).toISOString();
    await connected({ connection: ok, consent: { expiresAt } });
    const { consent: before } = await read(api.storage);
    const test = createTestConnect(api);
    const request = await check('reconsent');
    if (request.purpose !== 'reconsent') throw new Error('not a reconsent');
    const journey = await test.open('uid', request);
    const lose = async () => {
      const held = await api.storage.get(connections, connectionId);
      if (held) await api.storage.commit([update(connections, held, { ...held.value, ...lost })]);
    };
    if (commitsBefore === 0) await lose();
    let commits = 0;
    const extended = test.connect.extend(journey, request, async ({ writes }) => {
      commits += 1;
      if (commits === commitsBefore) await lose();
      await api.storage.commit(writes);
    });
    await expect(extended).rejects.toMatchObject({
      code: 'invalid_claims',
      message: 'this connection takes no reconsent: request reauth',
    });
    expect(commits).toBe(commitsBefore);
    const { connection, consent } = await read(api.storage);
    expect(consent).toEqual(before);
    expect(connection).toMatchObject(lost);
  });
});

describe('what may be renewed', () => {
  const invalid = expect.objectContaining({ code: 'invalid_claims' });

  test.each(['reauth', 'reconsent', 'refresh'])(
    '%s is for the own connection alone',
    async (scope) => {
      const kind = scope === 'refresh' ? 'legacy' : 'api';
      await connected({ connection: { kind, error: undefined } });
      const other = 'b'.repeat(24);
      const stranger = { ...(await api.storage.get(users, userId))?.value, userId: other };
      await api.storage.commit([put(users, other, stranger as never)]);
      await expect(check(scope)).resolves.toMatchObject({ purpose: scope });
      const unknown = 'north-bank:33333333-3333-4333-8333-333333333333';
      for (const of of [
        { sub: other, connection: connectionId },
        { sub: 'c'.repeat(24), connection: connectionId },
        { sub: userId, connection: unknown },
      ]) {
        await expect(check(scope, {}, of)).rejects.toEqual(invalid);
      }
      await expect(check(scope, { sub: { essential: true } })).rejects.toEqual(invalid);
      await expect(check(scope, { 'mh:con_id': { essential: true } })).rejects.toEqual(invalid);
    },
  );

  test.each([
    ['refresh of an API connection', 'refresh', {}, {}],
    ['reconsent of a legacy connection', 'reconsent', { connection: { kind: 'legacy' } }, {}],
    [
      'reconsent where the bank lost the person',
      'reconsent',
      { connection: { error: 'credentials_error' } },
      {},
    ],
    [
      'reconsent where the time of the person at the bank is over',
      'reconsent',
      { connection: { bankValidUntil: '2020-01-01T00:00:00.000Z' } },
      {},
    ],
    ['reconsent where the client set the end', 'reconsent', { consent: { tppConsent: false } }, {}],
    [
      'reconsent half a year after the end',
      'reconsent',
      { consent: { expiresAt: '2020-01-01T00:00:00.000Z' } },
      {},
    ],
    ['reconsent to other permissions', 'reconsent', {}, { permissions: ['ReadParty'] }],
    ['a connection that waits for its client', 'reauth', { connection: { status: 'pending' } }, {}],
    ['a consent that was revoked', 'reauth', { consent: { status: 'revoked' } }, {}],
    ['more than 90 days', 'reconsent', {}, { expirationDateTime: '2999-01-01T00:00:00Z' }],
    ['an unknown permission', 'reauth', {}, { permissions: ['permission-1'] }],
  ] as const)('%s is refused', async (_what, scope, changes, value) => {
    await connected({ connection: { error: undefined }, ...changes });
    await expect(check(scope, { 'mh:consent': { value } })).rejects.toEqual(invalid);
  });

  test('claims that are not known change nothing', async () => {
    await connected();
    await expect(
      check('reauth', { 'mh:cat_type': { value: 'business' }, 'mh:account_ids': { value: [] } }),
    ).resolves.toMatchObject({ purpose: 'reauth' });
  });
});
