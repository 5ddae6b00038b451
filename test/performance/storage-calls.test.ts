import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Response } from 'undici';
import { z } from 'zod';
import { codeChallenge, codeVerifier, seedModels } from '../../bench/seed-models.js';
import { storeConnection, storeConsent, storeStock } from '../../bench/seed-records.js';
import type { SeedKind } from '../../bench/server-protocol.js';
import { benchClientId, clientScope, redirectUri, visitScope } from '../../bench/workspace.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const calls: string[] = [];
let assent: RunningAssent;
let keys: ClientKeys;
let send: ReturnType<RunningAssent['fetcher']>;
/** Each request comes later than parsed clients stay fresh, which is when it costs most. */
let later = 0;

beforeAll(async () => {
  keys = await createClientKeys();
  assent = await startAssent(
    { clients: [describeClient()] },
    {
      clock: { now: () => Date.now() + later },
      onStorageCall: ({ operation, collection }) => calls.push(`${operation} ${collection}`),
    },
  );
  await storeConnection(assent.storage);
  send = assent.fetcher(await assent.authority.client('tpp'));
  // A client is parsed once in a process, which costs a reading more; the table is about the rest.
  await requestToken(clientCredentials);
});

afterAll(() => assent.stop());

function describeClient() {
  return {
    client_id: benchClientId,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: keys.jwks,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    redirect_uris: [redirectUri],
    tls_client_certificate_bound_access_tokens: true,
  };
}

/** Sends one request and tells what it asked of the store, in order. */
async function count(
  request: () => Promise<Response>,
  expectedStatus: number,
): Promise<readonly string[]> {
  later += 2000;
  calls.length = 0;
  const response = await request();
  expect({ status: response.status }).toEqual({ status: expectedStatus });
  return [...calls];
}

async function post(path: string, form: Record<string, string>, clientId = benchClientId) {
  const assertion = await keys.assertion(clientId, assent.issuer);
  return () =>
    send(`${assent.configuration.mtlsUrl}/oidc${path}`, {
      method: 'POST',
      body: new URLSearchParams({ ...form, ...assertion }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
}

async function seed(kind: SeedKind, claims = {}): Promise<string> {
  const { provider, storage, configuration } = assent;
  const resource = `${configuration.publicUrl}/`;
  const [value = ''] = await seedModels(
    { provider, resource, claims, onGrant: (...grant) => storeConsent(storage, ...grant) },
    kind,
    1,
  );
  return value;
}

const clientCredentials = { grant_type: 'client_credentials', scope: clientScope };
const authorization = {
  response_type: 'code',
  scope: visitScope,
  prompt: 'consent',
  redirect_uri: redirectUri,
  state: 'state',
  code_challenge: codeChallenge,
  code_challenge_method: 'S256',
};

function exchange(code: string) {
  return post('/token', {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: codeVerifier,
  });
}

/** One member of the answer to a form. */
async function request(path: string, form: Record<string, string>, member: string) {
  const response = await (await post(path, form))();
  const body = z.record(z.string(), z.unknown()).parse(await response.json());
  return z.string().parse(body[member]);
}

const requestToken = (form: Record<string, string>) => request('/token', form, 'access_token');

// "At most" is what the library makes of an adapter, its client included (oidc-provider.md §2.3).

test('client_credentials: two calls, of at most four', async () => {
  expect(await count(await post('/token', clientCredentials), 200)).toEqual([
    'get client',
    'commit replay_detection,client_credentials',
  ]);
});

test('a pushed request: two calls, of at most four', async () => {
  expect(await count(await post('/request', authorization), 201)).toEqual([
    'get client',
    'commit replay_detection,pushed_authorization_request',
  ]);
});

test('the authorization endpoint after it: three calls, of at most three', async () => {
  const requestUri = await request('/request', authorization, 'request_uri');
  const query = new URLSearchParams({ client_id: benchClientId, request_uri: requestUri });
  expect(await count(() => assent.fetch(`/oidc/auth?${query}`), 303)).toEqual([
    'get client',
    'get pushed_authorization_request',
    'commit interaction',
  ]);
});

test('a code: seven calls, of at most eight', async () => {
  const code = await seed('AuthorizationCode');
  expect(await count(await exchange(code), 200)).toEqual([
    'get client',
    'get authorization_code',
    'get grant',
    // Before something is signed, once a second in a process: whether the keys were changed.
    'get signing_key_set',
    'get consent',
    'get connection',
    'commit replay_detection,authorization_code,access_token,refresh_token',
  ]);
});

test('a code whose ID token names the connection: eight calls, of at most eight', async () => {
  const code = await seed('AuthorizationCode', { id_token: { 'mh:con_id': null } });
  expect(await count(await exchange(code), 200)).toHaveLength(8);
});

test('a refresh token: five calls, of at most six', async () => {
  const form = { grant_type: 'refresh_token', refresh_token: await seed('RefreshToken') };
  expect(await count(await post('/token', form), 200)).toEqual([
    'get client',
    'get refresh_token',
    'get grant',
    'get signing_key_set',
    'commit replay_detection,access_token',
  ]);
});

test('introspection of an access token: at most six with a hint, seven without', async () => {
  const token = await requestToken({
    grant_type: 'refresh_token',
    refresh_token: await seed('RefreshToken'),
  });
  const hinted = { token, token_type_hint: 'access_token' };
  const withHint = await count(await post('/token/introspection', hinted), 200);
  expect(withHint.length).toBeLessThanOrEqual(6);
  expect(withHint.at(-1)).toBe('commit replay_detection');
  const without = await count(await post('/token/introspection', { token }), 200);
  expect(without.length).toBeLessThanOrEqual(7);
});

test('introspection of a client_credentials token: at most five', async () => {
  const form = {
    token: await requestToken(clientCredentials),
    token_type_hint: 'client_credentials',
  };
  const made = await count(await post('/token/introspection', form), 200);
  expect(made.length).toBeLessThanOrEqual(5);
});

test('revocation of a refresh token: at most nine, all of its changes in one commit', async () => {
  const form = { token: await seed('RefreshToken'), token_type_hint: 'refresh_token' };
  const made = await count(await post('/token/revocation', form), 200);
  expect(made.length).toBeLessThanOrEqual(9);
  expect(made.filter((call) => call.startsWith('commit'))).toHaveLength(1);
});

test('ten thousand registered clients cost no more calls than one', async () => {
  const alone = await count(await post('/token', clientCredentials), 200);
  const { storage, configuration } = assent;
  const resource = `${configuration.publicUrl}/`;
  await storeStock(storage, { clients: 10_000, grants: 0 }, { model: describeClient(), resource });
  for (const clientId of ['client-0', 'client-9999', benchClientId]) {
    await (await post('/token', clientCredentials, clientId))();
    expect(await count(await post('/token', clientCredentials, clientId), 200)).toEqual(alone);
  }
});
