import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { oidcCollections } from '../../adapters/oidc/oidc-collections.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { aisp, type BankApi, startBankApi } from './support/start-bank-api.js';

let bank: BankApi;
let token: string;

beforeAll(async () => {
  bank = await startBankApi((clock) => createDemoLedger({ clock }));
  token = bank.issue({});
});
afterAll(() => bank.stop());

const permissions = ['ReadAccountsBasic', 'ReadBalances'];
const request = (data: object = {}) => ({ Data: { Permissions: permissions, ...data }, Risk: {} });
const register = (data?: object) =>
  bank.post(token, '/account-access-consents', request(data)).expect(201);

describe('registering an intent', () => {
  test('answers OBReadConsentResponse1 and echoes x-fapi-interaction-id', async () => {
    const trace = randomUUID();
    const { body, headers } = await bank
      .post(
        token,
        '/account-access-consents',
        request({
          ExpirationDateTime: '2026-06-15T12:00:00+01:00',
          TransactionFromDateTime: '2025-03-17T00:00:00+00:00',
        }),
      )
      .set('x-fapi-interaction-id', trace)
      .expect(201);
    expect(headers['x-fapi-interaction-id']).toBe(trace);
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toEqual({
      Data: {
        ConsentId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        Status: 'AwaitingAuthorisation',
        CreationDateTime: '2026-03-17T12:00:00.000Z',
        StatusUpdateDateTime: '2026-03-17T12:00:00.000Z',
        Permissions: permissions,
        ExpirationDateTime: '2026-06-15T11:00:00.000Z',
        TransactionFromDateTime: '2025-03-17T00:00:00.000Z',
      },
      Risk: {},
      Links: {
        Self: `https://bank.example${aisp}/account-access-consents/${body.Data.ConsentId}`,
      },
      Meta: { TotalPages: 1 },
    });
  });

  test('reads the same back, and makes another at each call', async () => {
    const { body } = await register();
    const read = await bank.get(token, `/account-access-consents/${body.Data.ConsentId}`);
    expect(read.status).toBe(200);
    expect(read.body).toEqual(body);
    const other = await register();
    expect(other.body.Data.ConsentId).not.toBe(body.Data.ConsentId);
  });

  test.each([
    ['an empty list', { Permissions: [] }, 'Field.Invalid', 'Data.Permissions'],
    ['an unknown code', { Permissions: ['ReadMinds'] }, 'Field.Invalid', 'Data.Permissions.0'],
    ['no list', { Permissions: undefined }, 'Field.Missing', 'Data.Permissions'],
    [
      'transactions without a direction',
      { Permissions: ['ReadTransactionsBasic'] },
      'Field.Invalid',
      'Data.Permissions',
    ],
    [
      'transaction details without a direction',
      { Permissions: ['ReadAccountsBasic', 'ReadTransactionsDetail'] },
      'Field.Invalid',
      'Data.Permissions',
    ],
    [
      'a direction without transactions',
      { Permissions: ['ReadTransactionsCredits'] },
      'Field.Invalid',
      'Data.Permissions',
    ],
    [
      'an expiration that is now',
      { ExpirationDateTime: '2026-03-17T12:00:00Z' },
      'Field.InvalidDate',
      'Data.ExpirationDateTime',
    ],
    [
      'a date without an offset',
      { ExpirationDateTime: '2027-03-17T12:00:00' },
      'Field.InvalidDate',
      'Data.ExpirationDateTime',
    ],
    [
      'a window that ends before it begins',
      {
        TransactionFromDateTime: '2026-03-17T12:00:00Z',
        TransactionToDateTime: '2026-03-16T12:00:00Z',
      },
      'Field.InvalidDate',
      'Data.TransactionToDateTime',
    ],
    ['accounts chosen by the client', { Accounts: ['22289'] }, 'Field.Unexpected', 'Data'],
  ])('refuses %s', async (_what, data, code, path) => {
    const { body, status } = await bank.post(token, '/account-access-consents', request(data));
    expect(status).toBe(400);
    expect(body).toEqual({
      Code: '400 BadRequest',
      Id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      Message: expect.any(String),
      Errors: [{ ErrorCode: `UK.OBIE.${code}`, Message: expect.any(String), Path: path }],
    });
  });

  test.each([
    ['malformed JSON', 'application/json', '{"Data":', 400],
    ['a list', 'application/json', '[]', 400],
    ['null', 'application/json', 'null', 400],
    ['a form', 'application/x-www-form-urlencoded', 'Data=1', 415],
    ['a megabyte', 'application/json', JSON.stringify({ Data: 'x'.repeat(1_000_000) }), 413],
    ['a deep nest', 'application/json', '['.repeat(30_000) + ']'.repeat(30_000), 400],
  ])('refuses %s as a body', async (_what, type, sent, expected) => {
    const { body, status } = await bank.http
      .post(`${aisp}/account-access-consents`)
      .set('authorization', `Bearer ${token}`)
      .set('content-type', type)
      .send(sent);
    expect(status).toBe(expected);
    expect(body).toMatchObject({ Code: expect.any(String), Errors: [expect.anything()] });
    expect(body.Errors[0].ErrorCode).toMatch(/^UK\.OBIE\./);
  });
});

describe('who may manage an intent', () => {
  test("another client's looks like one that does not exist (SEC-42)", async () => {
    const { body } = await register();
    const other = bank.issue({ clientId: 'other' });
    const absent = await bank.get(other, `/account-access-consents/${randomUUID()}`);
    expect(absent.status).toBe(400);
    for (const call of [bank.get, bank.delete]) {
      const found = await call(other, `/account-access-consents/${body.Data.ConsentId}`);
      expect(found.status).toBe(400);
      expect(found.body).toEqual({ ...absent.body, Id: found.body.Id });
    }
    const still = await bank.get(token, `/account-access-consents/${body.Data.ConsentId}`);
    expect(still.body.Data.Status).toBe('AwaitingAuthorisation');
  });

  test('a token without the scope, of a customer, or unknown is refused', async () => {
    const path = '/account-access-consents';
    const noScope = bank.issue({ scopes: new Set(['payments']) });
    const customers = bank.issue({ subject: 'cust-5e1d0c27', grantId: randomUUID() });
    expect((await bank.post(noScope, path, request())).status).toBe(403);
    expect((await bank.post(customers, path, request())).status).toBe(403);
    const unknown = await bank.post('nothing', path, request());
    expect(unknown.status).toBe(401);
    expect(unknown.headers['www-authenticate']).toContain('invalid_token');
    expect(unknown.body).toMatchObject({ Code: '401 Unauthorized', Errors: [expect.anything()] });
  });

  test('unknown paths and methods are answered in the same shape', async () => {
    const missing = await bank.get(token, '/parties');
    expect([missing.status, missing.body.Code]).toEqual([404, '404 NotFound']);
    const method = await bank.delete(token, '/accounts');
    expect([method.status, method.body.Code]).toEqual([405, '405 MethodNotAllowed']);
    expect(method.headers.allow).toBe('HEAD, GET');
    const malformed = await bank.get(token, '/account-access-consents/%E0%A4%A');
    expect(malformed.status).toBeGreaterThanOrEqual(400);
    expect(malformed.status).toBeLessThan(500);
  });
});

describe('withdrawing an intent', () => {
  test('makes one that waits Rejected, and repeats without effect', async () => {
    const { body } = await register();
    const path = `/account-access-consents/${body.Data.ConsentId}`;
    await bank.delete(token, path).expect(204);
    await bank.delete(token, path).expect(204);
    const read = await bank.get(token, path);
    expect(read.body.Data.Status).toBe('Rejected');
  });

  test('makes one in force Revoked, and ends its Grant and its token in the same moment', async () => {
    const {
      intent,
      token: customers,
      own,
    } = await bank.share({
      customerId: 'cust-5e1d0c27',
      accountIds: ['22289'],
      terms: { permissions: ['ReadAccountsBasic'] },
    });
    await bank.get(customers, '/accounts').expect(200);
    await bank.delete(own, `/account-access-consents/${intent.id}`).expect(204);
    await bank.get(customers, '/accounts').expect(401);
    expect(await bank.storage.get(oidcCollections.Grant, intent.id)).toBeUndefined();
    const read = await bank.get(own, `/account-access-consents/${intent.id}`);
    expect(read.body.Data.Status).toBe('Revoked');
  });

  test('twenty at once leave one final status', async () => {
    const { intent, own } = await bank.share({
      customerId: 'cust-5e1d0c27',
      accountIds: ['22289'],
      terms: { permissions: ['ReadAccountsBasic'] },
    });
    const path = `/account-access-consents/${intent.id}`;
    const answers = await Promise.all(Array.from({ length: 20 }, () => bank.delete(own, path)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(204));
    expect((await bank.get(own, path)).body.Data.Status).toBe('Revoked');
  });
});

test('nothing was our own fault', () => expect(bank.failures).toEqual([]));
