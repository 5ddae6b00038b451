import request from 'supertest';
import { z } from 'zod';
import { wellKnownConnectionSchema } from '../../api/well-known/institution-schema.js';
import { clients } from '../../core/clients.js';
import { startApi, store, type TestApi } from './support/start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await store(
    api.storage,
    clients,
    ['all-banks', { client_id: 'all-banks', scope: 'openid id:all' }],
    ['test-only', { client_id: 'test-only', scope: 'openid id:test' }],
    ['one-bank', { client_id: 'one-bank', scope: 'openid id:north-bank' }],
  );
});
afterAll(() => api.stop());

async function list(kind: string, query = ''): Promise<readonly string[]> {
  const path = `/oidc/.well-known/${kind}-connections${query}`;
  const answer = await request(api.server).get(path);
  expect(answer.status).toBe(200);
  api.assertDescribed('get', path, answer);
  return z
    .array(wellKnownConnectionSchema.strict())
    .parse(answer.body)
    .map(({ id }) => id);
}

test.each([
  ['all', ['north-bank', 'demo-bank']],
  ['api', ['north-bank']],
  ['test', ['demo-bank']],
  ['legacy', []],
  ['payments', []],
  ['beta', ['demo-bank']],
])(
  'the list %s is a bare array, also under the query of the published client',
  async (kind, ids) => {
    expect(await list(kind)).toEqual(ids);
    expect(await list(kind, '?undefined')).toEqual(ids);
  },
);

test.each([
  ['all-banks', ['north-bank', 'demo-bank']],
  ['test-only', ['demo-bank']],
  ['one-bank', ['north-bank', 'demo-bank']],
  ['nobody', []],
  ['__proto__', []],
])('clientId=%s narrows it to the banks of that client', async (clientId, ids) => {
  expect(await list('all', `?clientId=${clientId}`)).toEqual(ids);
});

test('names everything the published client reads', async () => {
  const { body } = await request(api.server).get('/oidc/.well-known/api-connections');
  expect(body[0]).toEqual({
    id: 'north-bank',
    name: 'North Bank',
    type: 'api',
    country: 'GB',
    parentRef: 'north-bank',
    bankRef: 'north-bank',
    isBeta: false,
    accountTypes: [
      { name: 'cash', beta: false },
      { name: 'card', beta: false },
    ],
    iconUrl: 'https://id.example.com/bank-icons/north-bank?defaultIcon=true',
    userTypes: ['personal'],
    payments: [],
    status: { sync: 'AVAILABLE', auth: 'AVAILABLE' },
    monthsInitialConsent: 12,
  });
});
