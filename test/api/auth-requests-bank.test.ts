import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importJWK, SignJWT } from 'jose';
import { type RunningSandbox, startSandbox } from '../e2e/start-sandbox.js';
import { checkboxesOf, createVisitor } from '../security/support/visitor.js';

/* Auth requests against the simulated bank, as an app with its own screens makes them. */

type Json = Record<string, unknown>;
interface Answer {
  readonly status: number;
  readonly body: { readonly data: Json & { readonly redirectParams?: Record<string, string> } };
}

let directory: string;
let sandbox: RunningSandbox;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-auth-requests-'));
  sandbox = await startSandbox(directory);
});
afterAll(async () => {
  await sandbox?.stop();
  await rm(directory, { recursive: true, force: true });
});

const app = () => sandbox.client('identity-service-own-consent');

async function token(scope: string, sub?: string): Promise<string> {
  const { client_id: clientId, jwks } = app();
  const [jwk] = jwks.keys;
  if (!jwk) throw new Error('the client has no key');
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: 'PS256', ...(jwk.kid && { kid: jwk.kid }) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(sandbox.tpp.issuer)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(await importJWK(jwk, 'PS256'));
  const response = await sandbox.fetch(`${sandbox.urls.assent}/oidc/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      scope,
      ...(sub !== undefined && { sub }),
    }).toString(),
  });
  const body = (await response.json()) as { access_token?: string };
  if (!body.access_token) throw new Error(JSON.stringify(body));
  return body.access_token;
}

async function call(method: string, path: string, bearer: string, sent?: object): Promise<Answer> {
  const response = await sandbox.fetch(`${sandbox.urls.assent}${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    ...(sent && { body: JSON.stringify(sent) }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

/** Signs in at the bank and shares everything, or refuses. @returns what came to the app. */
async function visitBank(authUrl = '', { decision = 'allow', what = 'Three accounts' } = {}) {
  const person = sandbox.person(what);
  const visitor = createVisitor({ fetch: sandbox.fetch, stopAt: app().redirect_uris[0] ?? '' });
  const accounts = await visitor.submit(await visitor.go(authUrl), '/login', [
    ['login', person.login],
    ['password', person.password],
  ]);
  const { url } = await visitor.submit(accounts, '/accounts', [
    ...checkboxesOf(accounts).map((account) => ['account', account] as const),
    ['decision', decision],
  ]);
  return Object.fromEntries(url.searchParams);
}

const begin = async (body: object) => {
  const scope = `openid id:${sandbox.person('Three accounts').institution}`;
  const bearer = await token('auth_requests:write');
  return (await call('POST', '/auth-requests', bearer, { scope, ...body })).body.data;
};

const complete = async (id: unknown, authParams: object) =>
  call('PATCH', `/auth-requests/${id}`, await token('auth_requests:write'), { authParams });

test('connects, is answered alike again, and is renewed in place', async () => {
  const users = await token('user:create connection:read');
  const { userId } = (await call('POST', '/users', users, {})).body as unknown as {
    userId: string;
  };
  const started = await begin({ userId });
  const { state, code, iss, ...rest } = await visitBank(started.redirectParams?.authUrl);
  expect({ state, rest }).toEqual({ state: started.redirectParams?.state, rest: {} });
  expect(iss).toContain(sandbox.urls.bank);

  // As an app of the hosted service hands it on: without `iss`.
  const done = await complete(started.id, { state, code });
  expect(done).toMatchObject({ status: 200, body: { data: { status: 'complete', userId } } });
  expect(await complete(started.id, { state, code })).toEqual(done);
  expect((await complete(started.id, { state, code: 'other' })).status).toBe(409);

  const { connectionId } = done.body.data;
  const reader = await token('accounts:read', userId);
  const accountIds = async () => {
    const { data } = (await call('GET', '/v3/accounts', reader)).body;
    return (data as unknown as { id: string }[]).map(({ id }) => id).sort();
  };
  const before = await accountIds();
  expect(before).toHaveLength(3);

  const again = await begin({ scope: 'openid reauth', connectionId });
  const back = await visitBank(again.redirectParams?.authUrl);
  const renewed = await complete(again.id, { state: back.state, code: back.code });
  expect(renewed.body.data).toMatchObject({ status: 'complete', connectionId, userId });
  expect(await accountIds()).toEqual(before);

  const stranger = await begin({ scope: 'openid reauth', connectionId });
  const theirs = await visitBank(stranger.redirectParams?.authUrl, { what: 'joint' });
  const refused = await complete(stranger.id, { state: theirs.state, code: theirs.code });
  expect(refused.body.data.status).toBe('error');
  expect(await accountIds()).toEqual(before);
});

test('a no at the bank comes back as one', async () => {
  const started = await begin({});
  const back = await visitBank(started.redirectParams?.authUrl, { decision: 'refuse' });
  expect(back).toMatchObject({ error: 'access_denied', state: started.redirectParams?.state });
  const { state, error, error_description } = back;
  const ended = await complete(started.id, { state, error, error_description });
  expect(ended.body.data).toMatchObject({
    status: 'error',
    errorDescription: expect.stringContaining('were not shared'),
  });
});
