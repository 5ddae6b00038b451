import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type JWTPayload, UnsecuredJWT } from 'jose';
import { put } from '../../core/storage.js';
import { makeUserId, users } from '../../core/user.js';
import { startClientAt } from '../e2e/moneyhub-client.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const redirectUri = 'https://tpp.example/callback';

let assent: RunningAssent;
let keys: ClientKeys;
let others: ClientKeys;
let userId: string;
let foreignUserId: string;

beforeAll(async () => {
  [keys, others] = [await createClientKeys('PS256'), await createClientKeys('PS256')];
  const common = {
    client_secret: secret,
    profile: 'identity-service',
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [redirectUri],
    jwks: keys.jwks,
  };
  assent = await startAssent({
    clients: [
      {
        ...common,
        client_id: 'tpp',
        grant_types: ['authorization_code', 'client_credentials', jwtBearer],
        request_object_signing_alg: 'PS256',
        scope: 'openid id:all accounts:read user:read',
      },
      { ...common, client_id: 'without', grant_types: ['authorization_code'] },
    ],
  });
  userId = await makeUser('tpp');
  foreignUserId = await makeUser('without');
});

afterAll(() => assent.stop());

async function makeUser(clientId: string): Promise<string> {
  const [id, at] = [makeUserId(Date.now()), new Date().toISOString()];
  await assent.storage.commit([
    put(users, id, {
      userId: id,
      clientId,
      managedBy: 'client',
      userType: 'live',
      createdAt: at,
      updatedAt: at,
      lastAccessed: at,
    }),
  ]);
  return id;
}

const now = () => Math.floor(Date.now() / 1000);

function claims(changes: Record<string, unknown> = {}): JWTPayload {
  return {
    iss: 'tpp',
    sub: userId,
    aud: assent.issuer,
    jti: randomUUID(),
    iat: now(),
    exp: now() + 600,
    ...changes,
  };
}

async function ask(assertion: string, scope = 'accounts:read', clientId = 'tpp') {
  const response = await assent.fetch('/oidc/token', {
    method: 'POST',
    body: new URLSearchParams({ grant_type: jwtBearer, scope, assertion }),
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('the published client gets a token for its user, and reads with it', async () => {
  const client = await startClientAt(assent, {
    client_id: 'tpp',
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [redirectUri],
    keys,
  });
  const { access_token: token } = await client.call<{ access_token: string }>('getJWTBearerToken', {
    scope: 'accounts:read',
    sub: userId,
  });
  const stored = await assent.provider.ClientCredentials.find(token);
  expect(stored).toMatchObject({ scope: 'accounts:read', extra: { sub: userId } });
  expect(await client.call('getAccounts', { userId, params: {} }, { token })).toMatchObject({
    data: [],
  });
  client.stop();
});

test('a token for the client itself speaks for nobody', async () => {
  const own = () => keys.sign(claims({ sub: 'tpp' }));
  const { status, body } = await ask(await own(), 'user:read');
  expect(status).toBe(200);
  const token = await assent.provider.ClientCredentials.find(String(body.access_token));
  expect(token?.extra).toBeUndefined();
  expect((await ask(await own())).body.error).toBe('invalid_request');
});

test('the audience may be several of ours, and nobody else (SEC-36)', async () => {
  const aud = [`${assent.issuer}/token`, assent.issuer];
  expect((await ask(await keys.sign(claims({ aud })))).status).toBe(200);
  const shared = claims({ aud: [assent.issuer, 'https://other.example'] });
  expect((await ask(await keys.sign(shared))).body.error).toBe('invalid_grant');
});

test('an assertion is used once, also of ten at the same moment', async () => {
  const assertion = await keys.sign(claims());
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask(assertion)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  for (const { status, body } of answers.filter((answer) => answer.status !== 200)) {
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' });
  }
});

test.each(['JWT', 'application/jwt'])('an assertion may say that it is %s', async (typ) => {
  expect((await ask(await keys.sign(claims(), { typ }))).status).toBe(200);
});

describe('refuses', () => {
  test.each<[string, () => Promise<string> | string]>([
    ['another key', () => others.sign(claims())],
    ['no signature', () => new UnsecuredJWT(claims()).encode()],
    ['garbage', () => 'garbage'],
    ['another issuer', () => keys.sign(claims({ iss: 'without' }))],
    ['another audience', () => keys.sign(claims({ aud: `${assent.issuer}/token` }))],
    ['what is over', () => keys.sign(claims({ iat: now() - 700, exp: now() - 20 }))],
    ['what lives too long', () => keys.sign(claims({ exp: now() + 630 }))],
    ['no end', () => keys.sign(claims({ exp: undefined }))],
    ['what was issued in the future', () => keys.sign(claims({ iat: now() + 60 }))],
    ['no jti', () => keys.sign(claims({ jti: undefined }))],
    ['no sub', () => keys.sign(claims({ sub: undefined }))],
    ['an unknown user', () => keys.sign(claims({ sub: 'f'.repeat(24) }))],
    ['another client’s user', () => keys.sign(claims({ sub: foreignUserId }))],
    ['a request object', () => keys.sign(claims(), { typ: 'oauth-authz-req+jwt' })],
  ])('%s as invalid_grant', async (_name, assertion) => {
    const { status, body } = await ask(await assertion());
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' });
  });

  test.each([
    ['an unknown scope', 'nonsense', 'invalid_scope'],
    ['a scope that is not registered', 'user:delete', 'invalid_scope'],
    ['a visit', 'reauth', 'invalid_scope'],
  ])('%s', async (_name, scope, error) => {
    const { status, body } = await ask(await keys.sign(claims()), scope);
    expect({ status, error: body.error }).toEqual({ status: 400, error });
  });

  test('no assertion, and a client that is not registered for the grant', async () => {
    expect((await ask('')).body.error).toBe('invalid_request');
    const other = await keys.sign(claims({ iss: 'without', sub: foreignUserId }));
    expect((await ask(other, 'accounts:read', 'without')).status).toBe(400);
  });
});
