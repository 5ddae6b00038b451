import request from 'supertest';
import { scimIdentities, scimIdentityId } from '../../core/scim-users.js';
import { insert } from '../../core/storage.js';
import { users } from '../../core/user.js';
import { origin, startApi, type TestApi } from './support/start-api.js';

const subtenant = 'urn:ietf:params:scim:schemas:extension:moneyhub:2.0:Subtenant';
const person = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  externalId: 'crm-1',
  name: { familyName: 'Okafor', givenName: 'Ada' },
  emails: [{ value: 'ada@example.com' }],
};

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

let last = 0;
/** A client of its own for each test. */
function newClient(scope = 'scim_user:write scim_user:read') {
  const clientId = `client-${++last}`;
  const token = api.issue(scope, { clientId });
  return {
    clientId,
    token,
    register: (body: object, headers = {}) => api.call('post', '/scim/users', token, body, headers),
    search: (body: object) => api.call('post', '/scim/users/search', token, body),
    read: (id: string) => api.get(`/scim/users/${id}`, token),
  };
}

const refusal = (code: string, message: string) => ({
  code,
  message,
  correlationId: expect.any(String),
});

test('registers a person who is a user like any other, and reads them again', async () => {
  const client = newClient();
  const answer = await client.register(person);
  expect(answer).toMatchObject({
    status: 201,
    body: {
      ...person,
      id: expect.stringMatching(/^[0-9a-f]{24}$/),
      meta: { resourceType: 'User', created: new Date(api.clock.now()).toISOString() },
    },
  });
  const { id } = answer.body;
  expect((await client.read(id)).body).toEqual(answer.body);
  const user = await api.get(`/users/${id}`, api.issue('user:read', { clientId: client.clientId }));
  expect(user.body).toMatchObject({ userId: id, managedBy: 'client', connectionIds: [] });
  expect(JSON.stringify(user.body)).not.toContain('ada@example.com');
});

test('takes application/scim+json', async () => {
  const { token } = newClient();
  await request(api.server)
    .post('/scim/users')
    .set({ host: new URL(origin).host, authorization: `Bearer ${token}` })
    .set('content-type', 'application/scim+json')
    .send(JSON.stringify(person))
    .expect(201);
});

test('an externalId is one of a kind for a client, until its user is deleted', async () => {
  const [client, other] = [newClient(), newClient()];
  const { id } = (await client.register(person)).body;
  expect((await other.register(person)).status).toBe(201);
  expect(await client.register(person)).toMatchObject({
    status: 409,
    body: refusal('Conflict', 'There is a SCIM user with this externalId'),
  });
  expect(await api.storage.count(users, 'scim', client.clientId)).toBe(1);
  const mayDelete = api.issue('user:delete', { clientId: client.clientId });
  expect((await api.call('delete', `/users/${id}`, mayDelete)).status).toBe(204);
  expect((await client.read(id)).status).toBe(404);
  expect((await client.register(person)).status).toBe(201);
});

test('an externalId whose user was lost in a crash can be registered again, once', async () => {
  const client = newClient();
  const identity = scimIdentityId(client.clientId, person.externalId);
  await api.storage.commit([insert(scimIdentities, identity, { userId: 'f'.repeat(24) })]);
  const answers = await Promise.all([client.register(person), client.register(person)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  const found = await client.search({ filter: `externalId eq "${person.externalId}"` });
  expect(found.body.totalResults).toBe(1);
  expect(await api.storage.count(users, 'scim', client.clientId)).toBe(1);
});

test('can be repeated under one Idempotency-Key', async () => {
  const client = newClient();
  const key = { 'idempotency-key': 'scim-1' };
  const first = await client.register(person, key);
  expect((await client.register(person, key)).body).toEqual(first.body);
});

test('a subtenant is named with the scope for it alone', async () => {
  const body = { externalId: 'crm-2', [subtenant]: { name: 'North', providerId: 'n1' } };
  const may = newClient('scim_user:write scim_user:subtenants:assign');
  expect((await may.register(body)).body).toMatchObject({
    [subtenant]: { name: 'North', providerId: 'n1' },
    schemas: expect.arrayContaining([subtenant]),
  });
  expect(await newClient().register(body)).toMatchObject({
    status: 403,
    body: refusal('Forbidden', 'The access token needs the scope scim_user:subtenants:assign'),
  });
});

test.each([
  ['without an externalId', {}, 'externalId: '],
  ['with half a name', { externalId: 'a', name: { givenName: 'Ada' } }, 'name.familyName: '],
  ['with what is no address', { externalId: 'a', emails: [{ value: 'ada' }] }, 'emails.0.value: '],
])('refuses a person %s', async (_name, body, start) => {
  const answer = await newClient().register(body);
  expect(answer.status).toBe(400);
  expect(answer.body).toEqual(refusal('BadRequest', expect.stringContaining(start)));
});

test("a user who is another client's, is no SCIM user, or is not there: all the same 404", async () => {
  const client = newClient();
  const foreign = (await newClient().register(person)).body.id;
  const token = api.issue('user:create', { clientId: client.clientId });
  const plain = (await api.call('post', '/users', token, {})).body.userId;
  for (const id of [foreign, plain, 'f'.repeat(24)]) {
    expect(await client.read(id)).toMatchObject({
      status: 404,
      body: refusal('NotFound', 'There is no such SCIM user'),
    });
  }
});

test('lists and searches the own ones alone, in the order they were made', async () => {
  const client = newClient();
  await newClient().register(person);
  const externalIds = ['a "quoted" one', 'b', 'c'];
  const ids: string[] = [];
  for (const externalId of externalIds) {
    api.clock.advance(0.001);
    ids.push((await client.register({ externalId })).body.id);
  }
  expect((await api.get('/scim/users?limit=2&offset=1', client.token)).body).toMatchObject({
    data: [{ externalId: 'b' }, { externalId: 'c' }],
    meta: { total: 3, limit: 2, offset: 1 },
  });
  expect((await client.search({ startIndex: 2, count: 1 })).body).toEqual({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: 3,
    startIndex: 2,
    itemsPerPage: 1,
    Resources: [expect.objectContaining({ id: ids[1] })],
  });
  for (const filter of [`externalId eq ${JSON.stringify(externalIds[0])}`, `id eq "${ids[0]}"`]) {
    expect((await client.search({ filter })).body).toMatchObject({
      totalResults: 1,
      Resources: [{ id: ids[0] }],
    });
  }
  expect((await client.search({ filter: 'externalId eq "crm-1"' })).body).toMatchObject({
    totalResults: 0,
    Resources: [],
  });
  expect((await client.search({ count: 0 })).body).toMatchObject({
    totalResults: 3,
    Resources: [],
  });
});

test.each(['userName eq "ada"', 'externalId co "a"', 'externalId eq ada', 'x'.repeat(601)])(
  'refuses the filter %s',
  async (filter) => {
    const answer = await newClient().search({ filter });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(refusal('BadRequest', expect.stringMatching(/^filter: /)));
  },
);

test('needs its scopes', async () => {
  const { register } = newClient('scim_user:read');
  expect((await register(person)).body).toEqual(
    refusal('Forbidden', 'The access token needs the scope scim_user:write'),
  );
});
