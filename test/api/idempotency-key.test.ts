import { clients } from '../../core/clients.js';
import { consents } from '../../core/consent.js';
import { syncs } from '../../core/sync.js';
import { users } from '../../core/user.js';
import { connectPerson } from './support/connect-person.js';
import { startApi, store, type TestApi } from './support/start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await store(api.storage, clients, ['app', { client_id: 'app', own_consent_screens: true }]);
});
afterAll(() => api.stop());

let last = 0;
/** A client of its own for each test, so that its users can be counted. */
function newClient() {
  const clientId = `client-${++last}`;
  const token = api.issue('user:create', { clientId });
  return {
    clientId,
    registered: () => api.storage.count(users, 'client', clientId),
    register: (key: string, body: object = {}) =>
      api.call('post', '/users', token, body, { 'idempotency-key': key }),
  };
}

test('the same request with the same key is answered as the first time', async () => {
  const client = newClient();
  const first = await client.register('"key-1"', { clientUserId: 'mine' });
  const again = await client.register('key-1', { clientUserId: 'mine' });
  expect(again.status).toBe(201);
  expect(again.body).toEqual(first.body);
  expect(await client.registered()).toBe(1);
  expect((await client.register('key-2', { clientUserId: 'mine' })).body.userId).not.toBe(
    first.body.userId,
  );
});

test('keys of two clients have nothing to do with each other', async () => {
  const [one, other] = [newClient(), newClient()];
  const first = await one.register('shared');
  expect((await other.register('shared')).body.clientId).toBe(other.clientId);
  expect(first.body.clientId).toBe(one.clientId);
});

test('another request with the key is refused, and does nothing', async () => {
  const client = newClient();
  await client.register('key', { clientUserId: 'mine' });
  expect(await client.register('key', { clientUserId: 'yours' })).toMatchObject({
    status: 422,
    body: {
      code: 'UnprocessableContent',
      message: 'This Idempotency-Key came with another request before',
      correlationId: expect.any(String),
    },
  });
  expect(await client.registered()).toBe(1);
});

test('of many at once one is performed; who comes meanwhile is asked to wait', async () => {
  const client = newClient();
  const answers = await Promise.all(Array.from({ length: 8 }, () => client.register('race')));
  expect(await client.registered()).toBe(1);
  const [made] = answers.filter(({ status }) => status === 201);
  for (const answer of answers) {
    if (answer.status === 201) expect(answer.body).toEqual(made?.body);
    else {
      expect(answer.headers['retry-after']).toBe('1');
      expect(answer).toMatchObject({
        status: 409,
        body: {
          code: 'Conflict',
          message: 'The first request with this Idempotency-Key is under way',
        },
      });
    }
  }
  expect((await client.register('race')).body).toEqual(made?.body);
});

test('what was refused may be tried again under its key', async () => {
  const person = await connectPerson(api);
  const path = `/users/${person.userId}/connections/${person.connectionId}`;
  const token = api.issue('connection:update');
  const expiresAt = new Date(api.clock.now() + 90 * 86_400_000 + 60_000).toISOString();
  const send = () => api.call('patch', path, token, { expiresAt }, { 'idempotency-key': 'again' });
  expect((await send()).status).toBe(400);
  api.clock.advance(61);
  expect((await send()).status).toBe(204);
  expect((await send()).status).toBe(204);
  const consent = await api.storage.get(consents, person.consentId);
  expect(consent?.value.history.filter(({ means }) => means === 'api')).toHaveLength(1);
});

test('a sync that was ordered is not ordered again, nor refused for coming too soon', async () => {
  const { userId, connectionId } = await connectPerson(api);
  const token = api.issue('accounts:read accounts:write:all', { subject: userId });
  const ask = (key: string) =>
    api.call('post', `/v3/sync/${connectionId}`, token, {}, { 'idempotency-key': key });
  const first = await ask('sync-1');
  expect(first.status).toBe(200);
  expect((await ask('sync-1')).body).toEqual(first.body);
  await api.syncs.finish(first.body.data.syncId);
  expect((await ask('sync-2')).status).toBe(429);
  expect((await ask('sync-1')).body).toEqual(first.body);
  expect(await api.storage.count(syncs, 'connection', connectionId)).toBe(1);
});

test('a day later the key is as new', async () => {
  const client = newClient();
  const first = await client.register('yesterday');
  api.clock.advance(86_401);
  expect((await client.register('yesterday', { clientUserId: 'x' })).body.userId).not.toBe(
    first.body.userId,
  );
});

test.each([
  ['spaces', 'two words'],
  ['other scripts', 'schl\u00fcssel'],
  ['no end', 'k'.repeat(256)],
  ['nothing in it', '""'],
  ['nothing at all', ''],
  ['nothing but blanks', ' \t '],
])('a key with %s is refused', async (_name, key) => {
  const client = newClient();
  expect(await client.register(key)).toMatchObject({
    status: 400,
    body: {
      code: 'BadRequest',
      message: 'Idempotency-Key must be 1 to 255 visible ASCII characters',
    },
  });
  expect(await client.registered()).toBe(0);
});
