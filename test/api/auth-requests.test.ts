import { connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { InstitutionError } from '../../core/institution.js';
import { defaultPermissions } from '../../core/permissions.js';
import { origin, type TestApi } from './support/start-api.js';
import {
  type AuthRequestClient,
  redirectUri,
  refusal,
  startAuthRequests,
} from './support/start-auth-requests.js';

const day = 86_400_000;

let app: AuthRequestClient;
let api: TestApi;
beforeEach(async () => {
  app = await startAuthRequests();
  api = app.api;
});
afterEach(() => api.stop());

describe('asking', () => {
  test('gets the address of the bank, with an intent there for what was asked', async () => {
    const userId = await app.newUser();
    const answer = await app.create({
      userId,
      permissions: ['ReadParty'],
      expirationDateTime: app.later(30 * day),
      transactionFromDateTime: app.later(-60 * day),
      accountVerification: { accVerification: true },
      customerIpAddress: '203.0.113.7',
      customerLastLoggedTime: app.later(-day),
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
          createdAt: app.later(0),
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
        expiresAt: new Date(app.later(30 * day)),
        transactionFrom: new Date(app.later(-60 * day)),
      },
    ]);
  });

  test('permissions are replaced where that is said; without an end, the client may extend it', async () => {
    const { id, state } = await app.started({
      permissions: ['ReadAccountsBasic'],
      permissionsAction: 'replace',
    });
    expect(api.bank.begun[0]).toMatchObject({ permissions: ['ReadAccountsBasic'] });
    expect(api.bank.begun[0]?.expiresAt).toBeUndefined();
    const { body } = await app.complete(id, { state, code: 'c' });
    const connection = (await api.storage.get(connections, body.data.connectionId))?.value;
    const consent = (await api.storage.get(consents, connection?.consentId ?? ''))?.value;
    expect(consent).toMatchObject({ tppConsent: true, expiresAt: app.later(90 * day) });
  });

  test('is read again and listed, newest first, by its client alone', async () => {
    const first = await app.started();
    api.clock.advance(1);
    const second = await app.started();
    const { redirectParams: _once, ...shown } = first.data;
    expect((await api.get(`/auth-requests/${first.id}`, app.reader())).body).toEqual({
      data: shown,
      meta: {},
    });
    const { body } = await api.get('/auth-requests?limit=1', app.reader());
    expect(body).toMatchObject({
      data: [{ id: second.id }],
      meta: { total: 2, limit: 1, offset: 0 },
    });
    const rest = await api.get('/auth-requests?limit=1&offset=1', app.reader());
    expect(rest.body.data).toMatchObject([{ id: first.id }]);
    expect((await api.get('/auth-requests', app.reader('narrow'))).body.data).toEqual([]);
    const missing = refusal('NotFound', 'There is no such auth request');
    for (const [id, clientId] of [
      [first.id, 'narrow'],
      ['unknown', 'app'],
    ] as const) {
      expect(await api.get(`/auth-requests/${id}`, app.reader(clientId))).toMatchObject({
        status: 404,
        body: missing,
      });
    }
  });

  test('again with the same Idempotency-Key is one visit', async () => {
    const userId = await app.newUser();
    const headers = { 'idempotency-key': 'ask-1' };
    const first = await app.create({ userId }, { headers });
    expect((await app.create({ userId }, { headers })).body).toEqual(first.body);
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
      const answer = await app.create(body);
      expect({ name, status: answer.status, body: answer.body }).toEqual({
        name,
        status,
        body: expected,
      });
    }
    expect(api.bank.begun).toEqual([]);
    expect((await api.get('/auth-requests', app.reader())).body.data).toEqual([]);
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
      const answer = await app.create(body);
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual(
        refusal('BadRequest', expect.stringMatching(new RegExp(`^${member}: `))),
      );
    }
  });

  test('is for clients with their own screens, in the scopes they are registered for', async () => {
    expect(await app.create({}, { token: app.writer('hosted') })).toMatchObject({
      status: 403,
      body: refusal('Forbidden', 'Only clients with their own consent screens make auth requests'),
    });
    expect(await app.create({}, { token: app.writer('narrow') })).toMatchObject({
      status: 400,
      body: refusal('BadRequest', "scope 'id:north-bank' is not registered for this client"),
    });
    expect(await app.create({}, { token: app.reader() })).toMatchObject({
      status: 403,
      body: refusal('Forbidden', 'The access token needs the scope auth_requests:write'),
    });
    const foreign = await app.newUser('hosted');
    expect((await app.create({ userId: foreign })).status).toBe(404);
  });

  test('a bank that is down leaves nothing', async () => {
    api.bank.faults.begin = new InstitutionError('unavailable', 'no answer');
    expect(await app.create({})).toMatchObject({
      status: 502,
      body: refusal('BadGateway', 'The ASPSP did not answer as it should; please try again later'),
    });
    expect((await api.get('/auth-requests', app.reader())).body.meta.total).toBe(0);
  });
});
