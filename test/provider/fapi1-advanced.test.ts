import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify, UnsecuredJWT } from 'jose';
import * as openid from 'openid-client';
import { Agent, fetch as undiciFetch } from 'undici';
import { subjectOf } from '../../sandbox/certificate-authority.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import {
  authorizationRequest,
  challenge,
  createFapiClient,
  epoch,
  type FapiClient,
  readReturn,
} from '../support/fapi-client.js';
import { seededRedirectUri, seedVisit } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

let assent: RunningAssent;
let keys: ClientKeys;
let weakKeys: ClientKeys;
/** `private_key_jwt`, over mTLS. */
let tpp: FapiClient;
/** Authenticates by its certificate. */
let certified: FapiClient;
let published: ReturnType<typeof createLocalJWKSet>;

/** What the rightful sender of a token hears of the resource. */
const reached = 200;
const visit = { clientId: 'tpp' };
const hybrid = { response_type: 'code id_token', state: 's', nonce: 'n' };
const jarm = { response_type: 'code', response_mode: 'jwt', state: 's', nonce: 'n' };

const metadata = {
  profile: 'fapi1-advanced',
  grant_types: ['authorization_code', 'implicit', 'refresh_token'],
  response_types: ['code', 'code id_token'],
  redirect_uris: [seededRedirectUri],
  tls_client_certificate_bound_access_tokens: true,
};

beforeAll(async () => {
  keys = await createClientKeys('PS256');
  weakKeys = await createClientKeys('RS256');
  const weakJwk = { ...weakKeys.publicJwk, alg: undefined };
  const client = {
    ...metadata,
    token_endpoint_auth_method: 'private_key_jwt' as const,
    jwks: { keys: [...keys.jwks.keys, weakJwk] },
  };
  assent = await startAssent({
    clients: [
      { ...client, client_id: 'tpp' },
      { ...client, client_id: 'other' },
      {
        ...client,
        client_id: 'certified',
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: subjectOf('certified'),
      },
    ],
  });
  const fetch = assent.fetcher(await assent.authority.client('tpp'));
  tpp = createFapiClient(assent, 'tpp', keys, { fetch });
  certified = createFapiClient(assent, 'certified', keys, {
    fetch: assent.fetcher(await assent.authority.client('certified')),
    certificateOnly: true,
  });
  const answer = await assent.fetch('/oidc/certs');
  published = createLocalJWKSet((await answer.json()) as JSONWebKeySet);
});

afterAll(() => assent.stop());

/** The URL of a request object sent by value, with the parameters OpenID Connect wants beside it. */
async function byValue(
  claims: Readonly<Record<string, unknown>>,
  beside: Record<string, string> = {},
  client = tpp,
) {
  const request = await client.requestObject({
    code_challenge: undefined,
    code_challenge_method: undefined,
    ...claims,
  });
  return client.urlOf({
    client_id: client.clientId,
    response_type: String(claims.response_type ?? 'code id_token'),
    scope: 'openid',
    ...beside,
    request,
  });
}

/** How a request ends that nobody was asked about: at the client, or on our page. */
async function refusalOf(url: string): Promise<string | undefined> {
  const response = await assent.fetch(url);
  const location = response.headers.get('location');
  if (location?.includes('/interaction/')) return undefined;
  if (location) {
    const { response: signed, error } = readReturn(location);
    return error ?? String((await jwtVerify(signed ?? '', published)).payload.error);
  }
  expect(response.status).toBe(400);
  return String(((await response.json()) as { error: string }).error);
}

const halfHash = (text: string) =>
  Buffer.from(hash('sha256', text, 'buffer').subarray(0, 16)).toString('base64url');

test('a code and a detached signature come back by value, as openid-client checks them', async () => {
  const [ca, cert, key] = await Promise.all(
    Object.values({
      ca: assent.authority.certificate,
      ...(await assent.authority.client('tpp')),
    }).map((path) => readFile(String(path), 'utf8')),
  );
  const agent = new Agent({ connect: { ca: ca ?? '', cert: cert ?? '', key: key ?? '' } });
  const send = (url: string, init: object) => undiciFetch(url, { ...init, dispatcher: agent });
  const signingKey = { key: keys.privateKey, kid: keys.publicJwk.kid ?? '' };
  const config = await openid.discovery(
    new URL(assent.issuer),
    'tpp',
    { id_token_signed_response_alg: 'ES256', use_mtls_endpoint_aliases: true },
    openid.PrivateKeyJwt(signingKey, {
      // FAPI 1.0 knows the endpoint as audience, which discovery names under the other host.
      [openid.modifyAssertion]: (_header, payload) => {
        payload.aud = [`${assent.issuer}/token`];
      },
    }),
    { [openid.customFetch]: send as never },
  );
  openid.useCodeIdTokenResponseType(config);
  openid.enableDetachedSignatureResponseChecks(config);
  const { code_challenge, code_challenge_method, ...plain } = authorizationRequest;
  const url = await openid.buildAuthorizationUrlWithJAR(
    config,
    { ...plain, ...hybrid },
    signingKey,
    {
      [openid.modifyAssertion]: (_header, payload) => {
        payload.nbf = epoch();
        payload.exp = epoch() + 300;
      },
    },
  );
  const { returned } = await seedVisit(assent, url.href, visit);
  const tokens = await openid.authorizationCodeGrant(
    config,
    new URL(returned.headers.get('location') ?? ''),
    { expectedNonce: 'n', expectedState: 's' },
  );
  expect(tokens.token_type).toBe('bearer');
  await agent.destroy();
});

describe('authorization responses (FAPI 1.0 Advanced §5.2.2-2, §5.2.2.1)', () => {
  test('hash state and code into the ID token, and no state where none was sent', async () => {
    const { returned } = await seedVisit(assent, await byValue(hybrid), visit);
    const { id_token = '', code = '', state } = readReturn(returned.headers.get('location'));
    const { payload } = await jwtVerify(id_token, published, { audience: 'tpp' });
    expect(state).toBe('s');
    expect(payload).toMatchObject({ s_hash: halfHash('s'), c_hash: halfHash(code), nonce: 'n' });

    const stateless = await byValue({ ...hybrid, state: undefined });
    const second = readReturn(
      (await seedVisit(assent, stateless, visit)).returned.headers.get('location'),
    );
    expect(second).not.toHaveProperty('state');
    expect((await jwtVerify(second.id_token ?? '', published)).payload).not.toHaveProperty(
      's_hash',
    );
  });

  test('come signed where only a code is asked for', async () => {
    const { returned } = await seedVisit(assent, await byValue(jarm), visit);
    const { response = '' } = readReturn(returned.headers.get('location'));
    const { payload } = await jwtVerify(response, published, {
      audience: 'tpp',
      issuer: assent.issuer,
    });
    expect(payload).toMatchObject({ code: expect.any(String), state: 's' });
  });

  test.each([
    ['a code in the clear', { ...jarm, response_mode: undefined }, 'invalid_request'],
    ['a code in the query', { ...jarm, response_mode: 'query' }, 'invalid_request'],
    ['an ID token in the query', { ...hybrid, response_mode: 'query' }, 'invalid_request'],
    [
      'an access token',
      { ...hybrid, response_type: 'code id_token token' },
      'unsupported_response_type',
    ],
  ])('are never %s', async (_name, claims, error) => {
    expect(await refusalOf(await byValue(claims))).toBe(error);
  });
});

describe('request objects', () => {
  test.each([
    ['an audience among several', () => ({ aud: ['https://other.example', assent.issuer] })],
    ['PKCE', () => challenge],
    ['another order of scopes', () => ({ scope: 'accounts:read id:test openid' })],
    ['a nonce of 64 characters', () => ({ nonce: 'n'.repeat(64) })],
  ])('are accepted by value with %s', async (_name, claims) => {
    expect(await refusalOf(await byValue({ ...hybrid, ...claims() }))).toBeUndefined();
  });

  test.each([
    ['without exp', () => ({ exp: undefined })],
    ['without nbf', () => ({ nbf: undefined })],
    ['that have expired', () => ({ nbf: epoch() - 600, exp: epoch() - 300 })],
    ['for another server', () => ({ aud: 'https://other.example' })],
    ['for the PAR endpoint', () => ({ aud: `${assent.issuer}/request` })],
    ['that live for over an hour', () => ({ exp: epoch() + 3700 })],
    ['from a minute ahead, by iat alone', () => ({ iat: epoch() + 70 })],
    ['made over an hour ago', () => ({ nbf: epoch() - 3700 })],
    ['without scope', () => ({ scope: undefined })],
    ['without nonce', () => ({ nonce: undefined })],
    ['without redirect_uri', () => ({ redirect_uri: undefined })],
    ['to an address that is not registered', () => ({ redirect_uri: 'https://evil.example/' })],
    ['with a request_uri inside', () => ({ request_uri: 'urn:ietf:params:oauth:request_uri:x' })],
  ])('are refused %s, by value and pushed, whatever stands beside them', async (_name, claims) => {
    const all = { ...hybrid, ...claims() };
    const beside = { nonce: 'n', scope: 'openid', redirect_uri: seededRedirectUri };
    expect(await refusalOf(await byValue(all, beside))).toMatch(/^invalid_/);
    const pushed = await tpp.push({ ...beside, request: await tpp.requestObject(all) });
    expect(pushed).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/^invalid_/) },
    });
  });

  test('are refused where RS256, nobody, or another client signs them, and asked for where there are none', async () => {
    const { code_challenge, code_challenge_method, ...plain } = authorizationRequest;
    const claims = { client_id: 'tpp', ...plain, ...hybrid };
    const weak = createFapiClient(assent, 'tpp', weakKeys);
    const unsigned = new UnsecuredJWT(claims)
      .setIssuer('tpp')
      .setAudience(assent.issuer)
      .setNotBefore('0s')
      .setExpirationTime('5m')
      .encode();
    const foreign = createFapiClient(assent, 'tpp', await createClientKeys('PS256'));
    const bare = { client_id: 'tpp', response_type: 'code id_token', scope: 'openid' };
    expect(await refusalOf(await byValue(hybrid, {}, weak))).toBe('invalid_request_object');
    expect(await refusalOf(await byValue(hybrid, {}, foreign))).toBe('invalid_request_object');
    expect(await refusalOf(tpp.urlOf({ ...bare, request: unsigned }))).toBe(
      'invalid_request_object',
    );
    expect(await refusalOf(tpp.urlOf(claims))).toBe('invalid_request');
    expect(await tpp.push({ ...authorizationRequest, ...hybrid })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });

  test('count for what is inside of them alone', async () => {
    const { nonce: _nonce, ...stateOnly } = hybrid;
    const url = await byValue(
      { ...stateOnly, nonce: 'inner', state: undefined },
      { nonce: 'outer', state: 'outer' },
    );
    const { params, returned } = await seedVisit(assent, url, visit);
    expect(params).toMatchObject({ nonce: 'inner' });
    expect(params).not.toHaveProperty('state');
    expect(readReturn(returned.headers.get('location'))).not.toHaveProperty('state');
  });
});

describe('pushed requests', () => {
  const pushed = async (claims: Readonly<Record<string, unknown>>, form = {}) =>
    tpp.push({ request: await tpp.requestObject({ ...hybrid, ...claims }), ...form });

  test('work until the person has finished, once, and for their client', async () => {
    const answer = await pushed({});
    const url = tpp.visitUrl(answer);
    expect(await refusalOf(url)).toBeUndefined();
    expect(await refusalOf(url.replace('client_id=tpp', 'client_id=other'))).toBeDefined();
    const { returned } = await seedVisit(assent, url, visit);
    expect(readReturn(returned.headers.get('location')).code).toBeDefined();
    expect(await refusalOf(url)).toBe('invalid_request_uri');
  });

  test('need PKCE with S256 (§5.2.2-18), and the verifier at the end', async () => {
    const bare = { code_challenge: undefined, code_challenge_method: undefined };
    expect((await pushed(bare)).status).toBe(400);
    expect((await pushed({ code_challenge_method: 'plain' })).status).toBe(400);
    const { returned } = await seedVisit(assent, tpp.visitUrl(await pushed({})), visit);
    const { code = '' } = readReturn(returned.headers.get('location'));
    for (const wrong of ['', 'another-verifier-that-is-long-enough-for-the-rule']) {
      const { body } = await tpp.redeem(code, { code_verifier: wrong });
      expect(body.error).toBe('invalid_grant');
    }
  });

  test('are refused with a request_uri, and with another verb', async () => {
    const uri = 'urn:ietf:params:oauth:request_uri:x';
    expect((await tpp.push({ request_uri: uri })).status).toBe(400);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await assent.fetch('/oidc/request', { method });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
    }
  });
});

describe('client assertions', () => {
  const push = async (claims: Readonly<Record<string, unknown>>) => {
    const request = await tpp.requestObject(hybrid);
    return (await tpp.push({ request }, claims)).status;
  };

  test.each([
    ['the issuer', () => assent.issuer],
    ['the issuer in a list', () => [assent.issuer]],
    ['the token endpoint', () => `${assent.issuer}/token`],
    ['its mTLS alias', () => `${assent.configuration.mtlsUrl}/oidc/token`],
    ['the PAR endpoint', () => `${assent.issuer}/request`],
    ['the PAR endpoint in a list', () => [`${assent.issuer}/request`, 'https://other.example']],
  ])('may be for %s', async (_name, aud) => {
    expect(await push({ aud: aud() })).toBe(201);
  });

  test.each([
    ['for somebody else', () => ({ aud: 'https://other.example' })],
    ['of another issuer', () => ({ iss: 'other' })],
    ['of another subject', () => ({ sub: 'other' })],
    ['of no subject', () => ({ sub: '' })],
    ['that ended five minutes ago', () => ({ exp: epoch() - 300 })],
  ])('are refused %s', async (_name, claims) => {
    expect([400, 401]).toContain(await push(claims()));
  });

  test('are refused where RS256 signs them or there are none', async () => {
    const weak = createFapiClient(assent, 'tpp', weakKeys);
    const request = await tpp.requestObject(hybrid);
    expect(await weak.push({ request })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    const bare = await tpp.post('/oidc/request', { client_id: 'tpp', request });
    expect(bare).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });
});

describe('tokens', () => {
  async function codeFor(client: FapiClient) {
    const url = client.visitUrl(await client.push({ request: await client.requestObject(hybrid) }));
    const { returned } = await seedVisit(assent, url, { clientId: client.clientId });
    return readReturn(returned.headers.get('location')).code ?? '';
  }

  test('are bound to the certificate, which the token endpoint asks for', async () => {
    const without = createFapiClient(assent, 'tpp', keys);
    expect(await without.redeem(await codeFor(tpp))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    const { body } = await tpp.redeem(await codeFor(tpp));
    const read = (fetch: RunningAssent['fetch'], scheme = 'Bearer') =>
      fetch(`${assent.configuration.mtlsUrl}/v3/accounts`, {
        headers: { authorization: `${scheme} ${String(body.access_token)}` },
      });
    const own = assent.fetcher(await assent.authority.client('tpp'));
    expect((await read(own)).status).toBe(reached);
    expect((await read(own, 'bEaReR')).status).toBe(reached);
    expect((await read(assent.fetcher(await assent.authority.client('thief')))).status).toBe(401);
  });

  test('are not given for the code of another client, nor twice for one', async () => {
    const code = await codeFor(certified);
    expect((await tpp.redeem(code)).body.error).toBe('invalid_grant');
    const first = await certified.redeem(code);
    expect(first.status).toBe(200);
    expect((await certified.redeem(code)).body.error).toBe('invalid_grant');
    const mixed = await certified.redeem(await codeFor(certified), { client_id: 'tpp' });
    expect([400, 401]).toContain(mixed.status);
  });
});

test.each([
  ['without a binding to a certificate', { tls_client_certificate_bound_access_tokens: false }],
  [
    'bound to DPoP instead',
    { tls_client_certificate_bound_access_tokens: false, dpop_bound_access_tokens: true },
  ],
  [
    'with a secret',
    { token_endpoint_auth_method: 'client_secret_basic', client_secret: 's'.repeat(40) },
  ],
  ['for an implicit flow', { response_types: ['id_token'] }],
  ['with EdDSA', { request_object_signing_alg: 'EdDSA' }],
  ['with RS256', { id_token_signed_response_alg: 'RS256' }],
])('a client is not registered %s', async (_name, change) => {
  const client = {
    ...metadata,
    client_id: 'new',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: keys.jwks,
  };
  await expect(assent.provider.Client.validate(client as never)).resolves.toBeUndefined();
  await expect(
    assent.provider.Client.validate({ ...client, ...change } as never),
  ).rejects.toMatchObject({ error: 'invalid_client_metadata' });
});
