import { Ajv2020 } from 'ajv/dist/2020.js';
import { userSchema } from '../../api/users/user-schema.js';
import { startApi, type TestApi } from './support/start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

test('describes every operation once, with scopes, parameters and errors', () => {
  const { openapi, servers, paths } = api.document;
  expect(openapi).toBe('3.1.0');
  expect(servers[0]).toEqual({ url: 'https://id.example.com' });
  // The whole list is held to the documentation's table, in `test/docs`.
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining([
      '/oidc/.well-known/all-connections',
      '/users/{userId}/connection/{connectionId}',
      '/v3/accounts/{accountId}/balances',
    ]),
  );
  const ids = Object.values<Record<string, { operationId: string }>>(paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  expect(new Set(ids).size).toBe(ids.length);
  expect(paths['/oidc/.well-known/all-connections'].get).toMatchObject({
    security: [],
    parameters: [{ name: 'clientId', in: 'query', required: false }],
  });
  expect(paths['/users'].get).toMatchObject({
    security: [{ accessToken: ['user:read'] }],
    parameters: [
      { name: 'limit', in: 'query', required: false, schema: { type: 'integer', maximum: 1000 } },
      { name: 'offset', in: 'query', required: false, schema: { type: 'integer', minimum: 0 } },
    ],
  });
  expect(Object.keys(paths['/users/{userId}'].get.responses)).toEqual([
    ...['200', '400', '401', '403', '404', '500'],
  ]);
});

test('every reference leads to a component', () => {
  const text = JSON.stringify(api.document);
  const names = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
    ([, name]) => name,
  );
  expect(new Set(names)).toEqual(new Set(Object.keys(api.document.components.schemas)));
  expect(text).not.toContain('$defs');
});

test('its schemas refuse a member that is not described', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(api.document, 'api');
  const reference = { $ref: 'api#/components/schemas/User' };
  const at = '2026-01-01T00:00:00.000Z';
  const user = userSchema.parse({
    userId: '0123456789abcdef01234567',
    clientId: 'app',
    createdAt: at,
    updatedAt: at,
    lastAccessed: at,
    deletedAt: null,
    scopes: '',
    managedBy: 'user',
    userType: 'live',
    connectionIds: [],
  });
  expect(ajv.validate(reference, user)).toBe(true);
  expect(ajv.validate(reference, { ...user, authorization: 'secret' })).toBe(false);
});
