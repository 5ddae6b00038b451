import { hash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { type OpenBrowser, openBrowser } from '../e2e/open-browser.js';
import { createClientKeys } from '../support/client-keys.js';
import { seededRedirectUri, seededUserId, seedVisit } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
const client = {
  client_secret: secret,
  profile: 'identity-service',
  token_endpoint_auth_method: 'client_secret_basic' as const,
  grant_types: ['authorization_code', 'implicit'],
  redirect_uris: [seededRedirectUri],
};

let assent: RunningAssent;
let published: JSONWebKeySet;

beforeAll(async () => {
  assent = await startAssent({
    clients: [
      { ...client, client_id: 'tpp', response_types: ['code', 'code id_token', 'id_token'] },
      { ...client, client_id: 'code-only', response_types: ['code'] },
    ],
  });
  published = (await (await assent.fetch('/oidc/certs')).json()) as JSONWebKeySet;
});

afterAll(() => assent.stop());

const claims = { id_token: { sub: { value: seededUserId }, 'mh:con_id': { essential: true } } };
const reauth = {
  client_id: 'tpp',
  scope: 'openid reauth',
  response_type: 'id_token',
  redirect_uri: seededRedirectUri,
  state: 'state',
  nonce: 'nonce',
  claims: JSON.stringify(claims),
};

const urlOf = (params: Record<string, string>) => `/oidc/auth?${new URLSearchParams(params)}`;
const visit = { clientId: 'tpp', scope: 'reauth', connection: { status: 'ok' as const } };

/** The parameters of the fragment, and the ID token among them, verified. */
async function readFragment(location: string | null) {
  const { hash: fragment } = new URL(location ?? '');
  const answer = Object.fromEntries(new URLSearchParams(fragment.slice(1)));
  const expected = { issuer: assent.issuer, audience: 'tpp' };
  const { payload } = await jwtVerify(
    answer.id_token ?? '',
    createLocalJWKSet(published),
    expected,
  );
  return { answer, payload };
}

test('an ID token alone says who and which connection', async () => {
  const { returned, connection } = await seedVisit(assent, urlOf(reauth), visit);
  const { answer, payload } = await readFragment(returned.headers.get('location'));
  // Its issuer says the ID token (RFC 9207 §2).
  expect(Object.keys(answer).sort()).toEqual(['id_token', 'state']);
  expect(answer.state).toBe('state');
  expect(payload).toMatchObject({
    sub: seededUserId,
    'mh:con_id': connection.id,
    nonce: 'nonce',
  });
});

test('an ID token beside a code signs it, and says nothing of the connection', async () => {
  const params = { ...reauth, response_type: 'code id_token' };
  const { returned } = await seedVisit(assent, urlOf(params), visit);
  const { answer, payload } = await readFragment(returned.headers.get('location'));
  expect(answer.code).toBeDefined();
  expect(payload).not.toHaveProperty('mh:con_id');
  expect(payload.c_hash).toBe(
    Buffer.from(hash('sha256', answer.code ?? '', 'buffer').subarray(0, 16)).toString('base64url'),
  );
});

test('a new connection needs a code, without which nobody could complete it', async () => {
  for (const scope of ['openid id:test', 'openid id:north-bank']) {
    const response = await assent.fetch(urlOf({ ...reauth, scope }));
    const location = new URL(response.headers.get('location') ?? '');
    expect(location.hash).toContain('error=invalid_request');
    expect(location.hash).toContain('response_type');
  }
});

test.each([
  ['without a nonce', { nonce: '' }, 'invalid_request'],
  ['in the query', { response_mode: 'query' }, 'invalid_request'],
  ['by a client that is not registered for it', { client_id: 'code-only' }, 'invalid_request'],
  ['with an access token', { response_type: 'id_token token' }, 'unsupported_response_type'],
])('an ID token is refused %s', async (_name, change, error) => {
  const params = Object.entries({ ...reauth, ...change }).filter(([, value]) => value !== '');
  const response = await assent.fetch(urlOf(Object.fromEntries(params)));
  const { search, hash: fragment } = new URL(response.headers.get('location') ?? '');
  expect(new URLSearchParams(search || fragment.slice(1)).get('error')).toBe(error);
});

test('a FAPI client is not registered for it', async () => {
  const { jwks } = await createClientKeys();
  const metadata = {
    client_id: 'new',
    redirect_uris: [seededRedirectUri],
    token_endpoint_auth_method: 'private_key_jwt' as const,
    dpop_bound_access_tokens: true,
    jwks,
    grant_types: ['implicit'],
    response_types: ['id_token' as const],
  };
  await expect(assent.provider.Client.validate(metadata)).rejects.toMatchObject({
    error: 'invalid_client_metadata',
  });
});

test('discovery announces what is offered', async () => {
  const response = await assent.fetch('/oidc/.well-known/openid-configuration');
  expect(await response.json()).toMatchObject({
    response_types_supported: ['code', 'code id_token', 'id_token'],
    response_modes_supported: [
      ...['form_post', 'fragment', 'query'],
      ...['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt'],
    ],
    grant_types_supported: expect.arrayContaining([
      'authorization_code',
      'implicit',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ]),
    claims_supported: expect.arrayContaining([
      'sub',
      'sid',
      'auth_time',
      'iss',
      'mh:con_id',
      'mh:sync',
    ]),
  });
});

describe('form_post', () => {
  let browser: OpenBrowser;

  beforeAll(async () => {
    browser = await openBrowser();
  });

  afterAll(() => browser.close());

  test('a browser sends the answer on by itself, under a policy that allows that one line', async () => {
    const params = { ...reauth, response_mode: 'form_post' };
    const { returned } = await seedVisit(assent, urlOf(params), visit);
    expect(returned.headers.get('content-security-policy')).toMatch(/script-src [^;]*'sha256-/);
    const page = await (await browser.newPerson()).newPage();
    const body = await returned.text();
    await page.route(`${assent.issuer}/auth/answer`, (route) =>
      route.fulfill({ status: 200, headers: Object.fromEntries(returned.headers), body }),
    );
    const posted = page.waitForRequest(seededRedirectUri);
    await page.route(seededRedirectUri, (route) => route.fulfill({ status: 200, body: 'thanks' }));
    await page.goto(`${assent.issuer}/auth/answer`);
    const sent = new URLSearchParams((await posted).postData() ?? '');
    expect([...sent.keys()].sort()).toEqual(['id_token', 'state']);
  });
});
