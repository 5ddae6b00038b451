import request from 'supertest';
import { unimplementedCalls } from '../../api/unimplemented/unimplemented-calls.js';
import { assertClientCredentialsScopes } from '../../core/scopes.js';
import { origin, startApi, type TestApi } from './support/start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

const lowerCase = (method: string) => {
  const known = (['get', 'post', 'patch', 'delete'] as const).find(
    (name) => name.toUpperCase() === method,
  );
  if (!known) throw new TypeError(`${method} is no method`);
  return known;
};

function send({ method, path }: { method: string; path: string }, token?: string) {
  const target = path.replace(/\{\w+\}/g, 'x');
  const sent = request(api.server)[lowerCase(method)](target).set('host', new URL(origin).host);
  return token === undefined ? sent : sent.set('authorization', `Bearer ${token}`);
}

test.each(unimplementedCalls.map((call) => [`${call.method} ${call.path}`, call] as const))(
  '%s says that it is not implemented, to those who may ask',
  async (_name, call) => {
    const notImplemented = {
      status: 501,
      body: {
        code: 'NotImplemented',
        message: `${call.what} are not implemented by this service`,
        correlationId: expect.any(String),
      },
    };
    if (call.scopes.length === 0) {
      expect(await send(call)).toMatchObject(notImplemented);
      return;
    }
    for (const scope of call.scopes) {
      expect(() => assertClientCredentialsScopes(scope.split(' '), undefined, true)).not.toThrow();
      expect(await send(call, api.issue(scope))).toMatchObject(notImplemented);
    }
    expect(await send(call)).toMatchObject({ status: 401, body: { code: 'Unauthorized' } });
    expect(await send(call, api.issue('user:read'))).toMatchObject({
      status: 403,
      body: { code: 'Forbidden' },
    });
  },
);

test('what is offered under the same paths still is', async () => {
  const token = api.issue('accounts:read', { subject: 'f'.repeat(24) });
  expect((await api.get('/v3/accounts/x', token)).status).not.toBe(501);
});

test('what nobody knows is not found, and is not promised', async () => {
  expect(await send({ method: 'GET', path: '/v3/wishes' })).toMatchObject({ status: 404 });
  expect(await send({ method: 'GET', path: '/payees/x/y' })).toMatchObject({ status: 404 });
});
