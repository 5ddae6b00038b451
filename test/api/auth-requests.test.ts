import request from 'supertest';
import { authRequests } from '../../core/auth-request.js';
import { clients } from '../../core/clients.js';
import { connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { InstitutionError } from '../../core/institution.js';
import { defaultPermissions } from '../../core/permissions.js';
import { update } from '../../core/storage.js';
import { syncs } from '../../core/sync.js';
import { users } from '../../core/user.js';
import { eventually } from '../support/eventually.js';
import { connectPerson } from './support/connect-person.js';
import { origin, startApi, store, type TestApi } from './support/start-api.js';

const day = 86_400_000;
const redirectUri = 'https://app.example.com/callback';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
  const own = { client_id: 'app', own_consent_screens: true };
  await store(
    api.storage,
    clients,
    ['app', { ...own, redirect_uris: [redirectUri, 'https://app.example.com/other?from=bank'] }],
    ['hosted', { client_id: 'hosted', redirect_uris: [redirectUri] }],
    ['narrow', { ...own, client_id: 'narrow', scope: 'openid id:demo-bank' }],
  );
});
afterEach(() => api.stop());

const later = (time: number) => new Date(api.clock.now() + time).toISOString();
const writer = (clientId = 'app') => api.issue('auth_requests:write', { clientId });
const reader = (clientId = 'app') => api.issue('auth_requests:read', { clientId });

const refusal = (code: string, message: string) => ({
  code,
  message,
  correlationId: expect.any(String),
});

async function newUser(clientId = 'app'): Promise<string> {
  const { body } = await api.call('post', '/users', api.issue('user:create', { clientId }), {});
  return body.userId;
}

/** Asked for without waiting for the first data, unless the test says so. */
function create(body: object, { token = writer(), headers = {} } = {}) {
  const asked = { scope: 'openid id:north-bank', sync: { enableAsync: true }, ...body };
  return api.call('post', '/auth-requests', token, asked, headers);
}

async function started(body: object = {}) {
  const { data } = (await create({ userId: await newUser(), ...body })).body;
  return { id: String(data.id), state: String(data.redirectParams.state), data };
}

function complete(id: string, authParams: object, { token = writer(), headers = {} } = {}) {
  return api.call('patch', `/auth-requests/${id}`, token, { authParams }, headers);
}

const stored = async (id: string) => (await api.storage.get(authRequests, id))?.value;

describe('asking', () => {
  test('gets the address of the bank, with an intent there for what was asked', async () => {
    const userId = await newUser();
    const answer = await create({
      userId,
      permissions: ['ReadParty'],
      expirationDateTime: later(30 * day),
      transactionFromDateTime: later(-60 * day),
      accountVerification: { accVerification: true },
      customerIpAddress: '203.0.113.7',
      customerLastLoggedTime: later(-day),
      accountTypes: ['cash'],
      accountIdentification: ['x'],
      categorisationType: 'business',
      benefitsCheck: true,
      counterpartiesCheck: ['6f9619ff-8b86-4d01-b42d-00cf4fc964ff'],
      env: 'test',
    });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        data: {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          redirectUri,
          createdAt: later(0),
          bankId: 'north-bank',
          userId,
          scope: 'openid id:north-bank',
          status: 'pending',
          redirectParams: {
            authUrl: expect.stringMatching(/^https:\/\/north-bank\.example\/authorize/),
            returnUrl: `${origin}/bank/callback`,
            state: expect.stringMatching(/^[\w-]{43}$/),
          },
        },
        meta: {},
      },
    });
    expect(api.bank.begun).toEqual([
      {
        permissions: [...defaultPermissions, 'ReadParty'],
        expiresAt: new Date(later(30 * day)),
        transactionFrom: new Date(later(-60 * day)),
      },
    ]);
  });

  test('permissions are replaced where that is said; without an end, the client may extend it', async () => {
    const { id, state } = await started({
      permissions: ['ReadAccountsBasic'],
      permissionsAction: 'replace',
    });
    expect(api.bank.begun[0]).toMatchObject({ permissions: ['ReadAccountsBasic'] });
    expect(api.bank.begun[0]?.expiresAt).toBeUndefined();
    const { body } = await complete(id, { state, code: 'c' });
    const connection = (await api.storage.get(connections, body.data.connectionId))?.value;
    const consent = (await api.storage.get(consents, connection?.consentId ?? ''))?.value;
    expect(consent).toMatchObject({ tppConsent: true, expiresAt: later(90 * day) });
  });

  test('is read again and listed, newest first, by its client alone', async () => {
    const first = await started();
    api.clock.advance(1);
    const second = await started();
    const { redirectParams: _once, ...shown } = first.data;
    expect((await api.get(`/auth-requests/${first.id}`, reader())).body).toEqual({
      data: shown,
      meta: {},
    });
    const { body } = await api.get('/auth-requests?limit=1', reader());
    expect(body).toMatchObject({
      data: [{ id: second.id }],
      meta: { total: 2, limit: 1, offset: 0 },
    });
    const rest = await api.get('/auth-requests?limit=1&offset=1', reader());
    expect(rest.body.data).toMatchObject([{ id: first.id }]);
    expect((await api.get('/auth-requests', reader('narrow'))).body.data).toEqual([]);
    const missing = refusal('NotFound', 'There is no such auth request');
    for (const [id, clientId] of [
      [first.id, 'narrow'],
      ['unknown', 'app'],
    ] as const) {
      expect(await api.get(`/auth-requests/${id}`, reader(clientId))).toMatchObject({
        status: 404,
        body: missing,
      });
    }
  });

  test('again with the same Idempotency-Key is one visit', async () => {
    const userId = await newUser();
    const headers = { 'idempotency-key': 'ask-1' };
    const first = await create({ userId }, { headers });
    expect((await create({ userId }, { headers })).body).toEqual(first.body);
    expect(api.bank.begun).toHaveLength(1);
  });

  const badRequest = (message: string) => [400, refusal('BadRequest', message)] as const;
  const refused: readonly (readonly [string, object, readonly [number, object]])[] = [
    [
      'an end in the past',
      { expirationDateTime: '2020-01-01T00:00:00Z' },
      badRequest('expirationDateTime must be in the future and at most 90 days ahead'),
    ],
    [
      'an end without an offset',
      { expirationDateTime: '2099-01-01T00:00:00' },
      badRequest('expirationDateTime: Invalid ISO datetime'),
    ],
    [
      'transactions of the future',
      { transactionFromDateTime: '2099-01-01T00:00:00Z' },
      badRequest('transactionFromDateTime must be in the past'),
    ],
    [
      'no permission at all',
      { permissions: [], permissionsAction: 'replace' },
      badRequest('permissions must leave at least one'),
    ],
    [
      'a foreign redirectUri',
      { redirectUri: 'https://evil.example/callback' },
      badRequest('redirectUri is not registered for this client'),
    ],
    [
      'a redirectUri that only begins alike',
      { redirectUri: `${redirectUri}/..` },
      badRequest('redirectUri is not registered for this client'),
    ],
    ['no scope openid', { scope: 'id:north-bank' }, badRequest('scope openid is required')],
    [
      'no bank',
      { scope: 'openid' },
      badRequest('one of id:<bank>, reauth, reconsent or refresh must be requested'),
    ],
    ['a chooser', { scope: 'openid id:all' }, badRequest('scope must name one bank by id:<bank>')],
    [
      'a bank that is not here',
      { scope: 'openid id:moon-bank' },
      badRequest('id:<bank> does not name a bank of this service'),
    ],
    [
      'a bank without an own page',
      { scope: 'openid id:old-bank' },
      badRequest('A legacy bank is connected and refreshed through the hosted pages'),
    ],
    [
      'two banks',
      { scope: 'openid id:north-bank id:demo-bank' },
      badRequest('only one id:<bank> scope may be requested'),
    ],
    [
      'a connectionId for a new connection',
      { connectionId: 'north-bank:1' },
      badRequest('connectionId is for the scopes reauth and refresh'),
    ],
    [
      'reauth of nothing',
      { scope: 'openid reauth' },
      badRequest('reauth and refresh need a connectionId'),
    ],
    [
      'a user who is not there',
      { userId: 'f'.repeat(24) },
      [404, refusal('NotFound', 'There is no such user')],
    ],
    [
      'a connection that is not there',
      { scope: 'openid reauth', connectionId: 'north-bank:1' },
      [404, refusal('NotFound', 'There is no such connection')],
    ],
    [
      'a payment',
      { payment: { amount: 1 } },
      [501, refusal('NotImplemented', 'Payments are not implemented by this service')],
    ],
    [
      'the scope of a payment',
      { scope: 'openid payment id:north-bank' },
      [501, refusal('NotImplemented', 'Payments are not implemented by this service')],
    ],
  ];

  test('is refused for what cannot be asked, and the bank hears nothing of it', async () => {
    for (const [name, body, [status, expected]] of refused) {
      const answer = await create(body);
      expect({ name, status: answer.status, body: answer.body }).toEqual({
        name,
        status,
        body: expected,
      });
    }
    expect(api.bank.begun).toEqual([]);
    expect((await api.get('/auth-requests', reader())).body.data).toEqual([]);
  });

  const malformed: readonly (readonly [string, object])[] = [
    ['userId', { userId: 'not-an-id' }],
    ['permissions.0', { permissions: ['permission-1'] }],
    ['permissionsAction', { permissionsAction: 'remove' }],
    ['categorisationType', { categorisationType: 'mixed' }],
    ['counterpartiesCheck.0', { counterpartiesCheck: ['x'] }],
    ['customerIpAddress', { customerIpAddress: 'here' }],
    ['sync.enableAsync', { sync: { enableAsync: 'yes' } }],
    ['scope', { scope: 1 }],
  ];

  test('the member that is wrong is named', async () => {
    for (const [member, body] of malformed) {
      const answer = await create(body);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual(
        refusal('BadRequest', expect.stringMatching(new RegExp(`^${member}: `))),
      );
    }
  });

  test('is for clients with their own screens, in the scopes they are registered for', async () => {
    expect(await create({}, { token: writer('hosted') })).toMatchObject({
      status: 403,
      body: refusal('Forbidden', 'Only clients with their own consent screens make auth requests'),
    });
    expect(await create({}, { token: writer('narrow') })).toMatchObject({
      status: 400,
      body: refusal('BadRequest', "scope 'id:north-bank' is not registered for this client"),
    });
    expect(await create({}, { token: reader() })).toMatchObject({
      status: 403,
      body: refusal('Forbidden', 'The access token needs the scope auth_requests:write'),
    });
    const foreign = await newUser('hosted');
    expect((await create({ userId: foreign })).status).toBe(404);
  });

  test('a bank that is down leaves nothing', async () => {
    api.bank.faults.begin = new InstitutionError('unavailable', 'no answer');
    expect(await create({})).toMatchObject({
      status: 502,
      body: refusal('BadGateway', 'The ASPSP did not answer as it should; please try again later'),
    });
    expect((await api.get('/auth-requests', reader())).body.meta.total).toBe(0);
  });
});

describe('the way back from the bank', () => {
  const callback = (query: string) => request(api.server).get(`/bank/callback?${query}`);

  test("leads to the client, with the bank's answer as it came", async () => {
    const plain = await started();
    const query = `code=a%20b&state=${plain.state}&iss=https%3A%2F%2Fnorth-bank.example&x=1`;
    const answer = await callback(query).expect(303);
    expect(answer.headers.location).toBe(`${redirectUri}?${query}`);
    const other = await started({ redirectUri: 'https://app.example.com/other?from=bank' });
    const second = await callback(`error=access_denied&state=${other.state}`).expect(303);
    expect(second.headers.location).toBe(
      `https://app.example.com/other?from=bank&error=access_denied&state=${other.state}`,
    );
    await callback('code=c&state=unknown').expect(404);
  });

  test('an issuer that the client leaves out is the one that came with the very same code', async () => {
    const seen: (string | null)[] = [];
    api.bank.answer = async (query) => {
      seen.push(query.get('iss'));
      return { outcome: 'authorised', authorization: {} };
    };
    const same = await started();
    await callback(`code=c1&state=${same.state}&iss=https://north-bank.example`);
    await complete(same.id, { state: same.state, code: 'c1' });
    const otherCode = await started();
    await callback(`code=c2&state=${otherCode.state}&iss=https://north-bank.example`);
    await complete(otherCode.id, { state: otherCode.state, code: 'stolen' });
    expect(seen).toEqual(['https://north-bank.example', null]);
  });

  test('what came first is not replaced, and of another issuer nothing is noted (SEC-62)', async () => {
    const { id, state } = await started();
    await callback(`code=evil&state=${state}&iss=https://evil.example`).expect(303);
    expect((await stored(id))?.landed).toBeUndefined();
    await callback(`code=c&state=${state}&iss=https://north-bank.example`).expect(303);
    const noted = await api.storage.get(authRequests, id);
    expect(noted?.value.landed).toMatchObject({ iss: 'https://north-bank.example' });
    for (const iss of ['https://evil.example', 'https://north-bank.example']) {
      await callback(`error=access_denied&state=${state}&iss=${iss}`).expect(303);
    }
    expect(await api.storage.get(authRequests, id)).toEqual(noted);
    expect((await complete(id, { state, code: 'c' })).body.data.status).toBe('complete');
  });

  test('a callback at the moment of the completion costs nobody the completion (SEC-62)', async () => {
    const { id, state } = await started();
    const read = await api.storage.get(authRequests, id);
    if (!read) throw new Error('no auth request');
    const issuer = 'https://north-bank.example';
    const landed = { answer: 'of another code', iss: issuer };
    // It is noted between what the completion reads and what it writes.
    let noted: Promise<void> | undefined;
    api.bank.issuer = () => {
      noted ??= api.storage.commit([update(authRequests, read, { ...read.value, landed })]);
      return issuer;
    };
    expect((await complete(id, { state, code: 'c' })).body.data).toMatchObject({
      status: 'complete',
    });
    await noted;
    expect(await stored(id)).toMatchObject({ landed });
  });
});

describe('completing', () => {
  test('makes the connection at once, for the user who was named', async () => {
    const { id, state, data } = await started();
    const answer = await complete(id, { state, code: 'bank-code' });
    const { redirectParams: _once, ...shown } = data;
    const { connectionId } = answer.body.data;
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      data: { ...shown, status: 'complete', connectionId: expect.stringMatching(/^north-bank:/) },
      meta: {},
    });
    const listed = await api.get(`/users/${data.userId}/connections`, api.issue('connection:read'));
    expect(listed.body.data).toMatchObject([{ id: connectionId, status: 'ok', tppConsent: true }]);
    expect(await api.storage.count(syncs, 'connection', connectionId)).toBe(1);
    const history = await api.get('/consent-history', api.issue('consent_history:read'));
    expect(history.body.data).toMatchObject([
      { authorizationRequestId: id, consentStatus: 'Authorised', userId: data.userId },
    ]);
  });

  test('without a user one-time access makes one, for a day', async () => {
    const { data } = (await create({})).body;
    expect(data.userId).toBeUndefined();
    const { body } = await complete(data.id, { state: data.redirectParams.state, code: 'c' });
    const { userId } = body.data;
    expect((await api.storage.get(users, userId))?.value).toMatchObject({ managedBy: 'user' });
    const listed = await api.get(`/users/${userId}/connections`, api.issue('connection:read'));
    expect(listed.body.data).toMatchObject([
      { expiresAt: later(day), tppConsent: false, singleSyncOnly: true },
    ]);
  });

  test('unless it is followed by its sync, its answer comes with the first data', async () => {
    api.bank.accounts = [
      { upstreamId: 'a', name: 'a', type: 'cash:current', holder: 'personal', currency: 'GBP' },
    ];
    api.doJobs();
    const { id, state } = await started({ sync: undefined });
    const { body } = await complete(id, { state, code: 'c' });
    const connection = await api.storage.get(connections, body.data.connectionId);
    expect(connection?.value.accountIds).toHaveLength(1);
  });

  test('renews a connection in place', async () => {
    const person = await connectPerson(api, {
      consent: { expiresAt: later(-day) },
      connection: { status: 'error', error: 'credentials_error', bankSubject: 'psu' },
    });
    api.bank.answer = async () => ({
      outcome: 'authorised',
      authorization: { refreshToken: 'new' },
      subject: 'psu',
    });
    const { connectionId } = person;
    const { data } = (await create({ scope: 'openid reauth', connectionId })).body;
    expect(data).toMatchObject({ bankId: 'north-bank', connectionId });
    const before = (await api.storage.get(connections, connectionId))?.value;
    expect(before?.error).toBe('credentials_error');
    const { body } = await complete(data.id, { state: data.redirectParams.state, code: 'c' });
    expect(body.data).toMatchObject({ status: 'complete', connectionId, userId: person.userId });
    expect((await api.storage.get(connections, connectionId))?.value).toMatchObject({
      status: 'ok',
      authorization: { refreshToken: 'new' },
    });
    const consent = (await api.storage.get(consents, person.consentId))?.value;
    expect(consent?.expiresAt).toBe(later(90 * day));
    expect(consent?.history.at(-1)).toMatchObject({ means: 'reauth', authRequestId: data.id });
  });

  test("another person's sign-in at the bank renews nothing", async () => {
    const person = await connectPerson(api, { connection: { bankSubject: 'psu' } });
    api.bank.answer = async () => ({
      outcome: 'authorised',
      authorization: { refreshToken: 'of somebody else' },
      subject: 'somebody else',
    });
    const { connectionId } = person;
    const before = (await api.storage.get(connections, connectionId))?.value;
    const { data } = (await create({ scope: 'openid reauth', connectionId })).body;
    const { body } = await complete(data.id, { state: data.redirectParams.state, code: 'c' });
    expect(body.data.status).toBe('error');
    expect((await api.storage.get(connections, connectionId))?.value).toEqual(before);
    await eventually(() =>
      expect(api.bank.revoked).toContainEqual({ refreshToken: 'of somebody else' }),
    );
  });

  test.each([
    ['a legacy connection', 'legacy' as const, 'openid reauth'],
    ['a refresh of an API connection', 'api' as const, 'openid refresh'],
    ['a reconsent', 'api' as const, 'openid reconsent'],
  ])('does not renew %s', async (_name, kind, scope) => {
    const { connectionId } = await connectPerson(api, { connection: { kind } });
    expect((await create({ scope, connectionId })).body).toMatchObject({ code: 'BadRequest' });
    expect(api.bank.begun).toEqual([]);
  });

  test('with an error of the bank ends it, and rejects the consent', async () => {
    api.bank.answer = async () => ({ outcome: 'refused', reason: 'You said no at North Bank.' });
    const { id, state } = await started();
    const answer = await complete(id, {
      state,
      error: 'access_denied',
      error_description: 'no',
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { data: { id, status: 'error', errorDescription: 'You said no at North Bank.' } },
    });
    expect(answer.body.data.connectionId).toBeUndefined();
    const history = await api.get('/consent-history', api.issue('consent_history:read'));
    expect(history.body.data).toMatchObject([
      { authorizationRequestId: id, consentStatus: 'Rejected', erroredAt: later(0) },
    ]);
  });

  test('with a code that the bank does not take ends it, and withdraws what it may have given', async () => {
    api.bank.answer = () =>
      Promise.reject(new InstitutionError('unavailable', 'no answer in time'));
    const { id, state } = await started();
    const answer = await complete(id, { state, code: 'c' });
    expect(answer.body.data).toMatchObject({
      status: 'error',
      errorDescription: 'no answer in time',
    });
    expect((await complete(id, { state, code: 'c' })).body).toEqual(answer.body);
    await eventually(() => expect(api.bank.revoked).toEqual([{ visit: 1 }]));
  });

  test('the same again gets the same answer; the bank is asked once', async () => {
    let asked = 0;
    api.bank.answer = async () => {
      asked += 1;
      return { outcome: 'authorised', authorization: {} };
    };
    const { id, state } = await started();
    const first = await complete(id, { state, code: 'c' });
    expect((await complete(id, { state, code: 'c' })).body).toEqual(first.body);
    const headers = { 'idempotency-key': 'done-1' };
    for (let time = 0; time < 2; time++) {
      expect((await complete(id, { state, code: 'c' }, { headers })).body).toEqual(first.body);
    }
    expect(asked).toBe(1);
  });

  test('of many at once one is done, under one key or none', async () => {
    const slow = Promise.withResolvers<void>();
    let asked = 0;
    api.bank.answer = async () => {
      asked += 1;
      await slow.promise;
      return { outcome: 'authorised', authorization: {} };
    };
    const { id, state } = await started();
    const first = complete(id, { state, code: 'c' });
    await eventually(() => expect(asked).toBe(1));
    const second = await complete(id, { state, code: 'c' });
    expect(second).toMatchObject({
      status: 409,
      body: refusal('Conflict', 'The same completion is under way'),
    });
    expect(second.headers['retry-after']).toBe('1');
    slow.resolve();
    const done = await first;
    expect(done.body.data.status).toBe('complete');
    expect((await complete(id, { state, code: 'c' })).body).toEqual(done.body);
    const all = await started();
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => complete(all.id, { state: all.state, code: 'c' })),
    );
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    expect(asked).toBe(2);
  });

  test('a repetition with its key takes nothing from a completion that a slow bank holds up', async () => {
    const slow = Promise.withResolvers<void>();
    let asked = 0;
    api.bank.answer = async () => {
      asked += 1;
      await slow.promise;
      return { outcome: 'authorised', authorization: {} };
    };
    const { id, state } = await started();
    const send = () => complete(id, { state, code: 'c' }, { headers: { 'idempotency-key': 'k' } });
    const first = send();
    await eventually(() => expect(asked).toBe(1));
    for (const seconds of [61, 58]) {
      api.clock.advance(seconds);
      expect((await send()).status).toBe(409);
    }
    slow.resolve();
    const done = await first;
    expect(done).toMatchObject({ status: 200, body: { data: { status: 'complete' } } });
    expect((await send()).body).toEqual(done.body);
    expect(api.bank.revoked).toEqual([]);
  });

  test('another answer is refused and changes nothing', async () => {
    const { id, state } = await started();
    await complete(id, { state, code: 'c' });
    const before = await stored(id);
    for (const authParams of [
      { state, code: 'other' },
      { state, error: 'access_denied' },
    ]) {
      expect(await complete(id, authParams)).toMatchObject({
        status: 409,
        body: refusal('Conflict', 'It was completed with another answer before'),
      });
    }
    expect(await stored(id)).toEqual(before);
  });

  test.each([
    [
      'a foreign state',
      { state: 'x', code: 'c' },
      'authParams.state does not belong to this auth request',
    ],
    ['no state', { code: 'c' }, 'authParams.state does not belong to this auth request'],
    ['neither code nor error', {}, 'authParams must hold either code or error'],
    ['both', { code: 'c', error: 'e' }, 'authParams must hold either code or error'],
    ['an empty code', { code: '' }, 'authParams must hold either code or error'],
    [
      'another issuer',
      { code: 'c', iss: 'https://evil.example' },
      'authParams.iss is not the issuer of this bank',
    ],
  ])('is refused for %s, and can still be done', async (_name, authParams, message) => {
    const { id, state } = await started();
    const before = await stored(id);
    const isStateless = message.startsWith('authParams.state');
    const answer = await complete(id, isStateless ? authParams : { state, ...authParams });
    expect(answer).toMatchObject({ status: 400, body: refusal('BadRequest', message) });
    expect(await stored(id)).toEqual(before);
    expect((await complete(id, { state, code: 'c' })).body.data.status).toBe('complete');
  });

  test("there is none of another client's, and none unknown", async () => {
    const { id, state } = await started();
    const missing = { status: 404, body: refusal('NotFound', 'There is no such auth request') };
    const token = writer('narrow');
    expect(await complete(id, { state, code: 'c' }, { token })).toMatchObject(missing);
    expect(await complete('unknown', { state, code: 'c' })).toMatchObject(missing);
    expect((await complete(id, { state, code: 'c' }, { token: reader() })).status).toBe(403);
    const nothing = await api.call('patch', `/auth-requests/${id}`, writer(), {});
    expect(nothing.body).toMatchObject({ code: 'BadRequest' });
    expect((await stored(id))?.status).toBe('pending');
  });

  test('a user who was deleted meanwhile gets no connection', async () => {
    const { id, state, data } = await started();
    await api.call('delete', `/users/${data.userId}`, api.issue('user:delete'));
    const answer = await complete(id, { state, code: 'c' });
    expect(answer.body.data.status).toBe('error');
    expect((await complete(id, { state, code: 'c' })).body).toEqual(answer.body);
    await eventually(() => expect(api.bank.revoked).toContainEqual({ visit: 1 }));
    expect(await api.storage.count(connections, 'user', data.userId)).toBe(0);
  });
});

describe('what nobody comes for', () => {
  test('has failed after an hour, and is withdrawn at the bank', async () => {
    api.doJobs();
    const { id, state } = await started();
    api.clock.advance(3601);
    const shown = await api.get(`/auth-requests/${id}`, reader());
    expect(shown.body.data).toMatchObject({
      status: 'error',
      errorDescription: 'Nobody completed it in time',
    });
    expect(await complete(id, { state, code: 'c' })).toMatchObject({
      status: 409,
      body: refusal('Conflict', 'It has expired: the person must begin again'),
    });
    await eventually(async () => expect((await stored(id))?.visit).toBeUndefined());
    await eventually(() => expect(api.bank.revoked).toEqual([{ visit: 1 }]));
    const history = await api.get('/consent-history', api.issue('consent_history:read'));
    expect(history.body.data).toMatchObject([{ consentStatus: 'Rejected' }]);
  });

  test('a process that died while completing it leaves nothing at the bank', async () => {
    const never = Promise.withResolvers<never>();
    let asked = 0;
    api.bank.answer = () => {
      asked += 1;
      return never.promise;
    };
    const { id, state } = await started();
    const first = complete(id, { state, code: 'c' }).catch(() => undefined);
    await eventually(() => expect(asked).toBe(1));
    expect((await complete(id, { state, code: 'c' })).status).toBe(409);
    api.clock.advance(121);
    const answer = await complete(id, { state, code: 'c' });
    expect(answer.body.data).toMatchObject({
      status: 'error',
      errorDescription: 'Its completion was interrupted: the person must begin again',
    });
    expect(asked).toBe(1);
    await eventually(() => expect(api.bank.revoked).toEqual([{ visit: 1 }]));
    never.reject(new InstitutionError('unavailable', 'gone'));
    await first;
    expect((await complete(id, { state, code: 'c' })).body).toEqual(answer.body);
  });
});
