import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createRunningClock } from '../adapters/support/moving-clock.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { createCaller, getToken, startAdmin } from './support/start-admin.js';

const clock = createRunningClock();
let admin: Awaited<ReturnType<typeof startAdmin>>;
let other: RunningAssent;
let callOther: Awaited<ReturnType<typeof createCaller>>;

beforeAll(async () => {
  admin = await startAdmin({}, { clock });
  other = await startAssent({ storage: admin.configuration.storage }, { clock });
  const fetch = other.fetcher(admin.files);
  // Of the same provider in another process, but here each has a name of its own.
  const token = await getToken(other, fetch, 'operator', 'clients:read clients:write');
  callOther = await createCaller(other, fetch, token);
});
afterAll(async () => {
  await other.stop();
  await admin.stop();
});

const metadata = {
  profile: 'identity-service',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['authorization_code', 'client_credentials'],
  redirect_uris: ['https://app.example/callback'],
};

function askToken(assent: RunningAssent, id: string, secret: string) {
  return assent.fetch('/oidc/token', {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'user:read' }),
  });
}

test('of many changes to one state, from two processes at once, one is made', async () => {
  const { body, etag } = await admin.call('POST', '/clients', metadata);
  const id = body.client.clientId;
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      (n % 2 ? admin.call : callOther)(
        'PATCH',
        `/clients/${id}`,
        { client_name: `Number ${n}` },
        { 'if-match': etag },
      ),
    ),
  );
  const made = answers.filter(({ status }) => status === 200);
  expect(made).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 412)).toHaveLength(19);
  const now = await callOther('GET', `/clients/${id}`);
  expect(now.body.metadata.client_name).toBe(made[0]?.body.client.metadata.client_name);
  const { changes } = (await callOther('GET', `/clients/${id}/history`)).body;
  expect(changes).toHaveLength(2);
});

test('what one process changes, the other serves within a second', async () => {
  const { body } = await admin.call('POST', '/clients', metadata);
  const { clientId: id } = body.client;
  const secret = body.clientSecret;
  const asked = await askToken(other, id, secret);
  const { access_token: token } = (await asked.json()) as { access_token: string };
  const read = () => other.fetch('/users', { headers: { authorization: `Bearer ${token}` } });
  expect((await read()).status).toBe(200);

  await admin.call('POST', `/clients/${id}/disable`, {}, { 'if-match': '*' });
  clock.advance(2);
  expect((await askToken(other, id, secret)).status).toBe(401);
  expect((await read()).status).toBe(401);
  const pushed = await other.fetch('/oidc/request', {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ response_type: 'code', scope: 'openid id:all' }),
  });
  expect(pushed.status).toBe(401);
  for (const path of ['token/introspection', 'token/revocation']) {
    const answer = await other.fetch(`/oidc/${path}`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
      body: new URLSearchParams({ token }),
    });
    expect(answer.status).toBe(401);
  }
  const query = new URLSearchParams({
    client_id: id,
    response_type: 'code',
    scope: 'openid id:all',
  });
  const visit = await other.fetch(`/oidc/auth?${query}`);
  expect(visit.status).toBe(400);
  expect(await visit.text()).toContain('invalid_client');

  await callOther('POST', `/clients/${id}/enable`, {}, { 'if-match': '*' });
  expect((await askToken(other, id, secret)).status).toBe(200);
  expect((await read()).status).toBe(200);
});

test('a document applied by two processes at once is applied, and the loser changes nothing', async () => {
  const document = (name: string) => ({
    format: 'assent-configuration',
    version: 1,
    clients: ['a', 'b', 'c'].map((client_id) => ({
      ...metadata,
      client_id,
      client_name: name,
      client_secret: 'a-secret-of-the-test-that-is-long-enough',
    })),
  });
  const [one, two] = await Promise.all([
    admin.call('POST', '/configuration/apply', document('One')),
    callOther('POST', '/configuration/apply', document('Two')),
  ]);
  expect([200, 412]).toContain(one.status);
  expect([200, 412]).toContain(two.status);
  const { clients } = (await admin.call('GET', '/configuration')).body;
  const names = clients
    .filter(({ client_id }: { client_id: string }) => 'abc'.includes(client_id))
    .map(({ client_name }: { client_name: string }) => client_name);
  expect(new Set(names).size).toBe(1);
  expect(names).toHaveLength(3);
});
