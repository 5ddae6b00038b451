import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { subjectOf } from '../../sandbox/certificate-authority.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import {
  authorizationRequest,
  createDpopKey,
  createFapiClient,
  type DpopKey,
  epoch,
  type FapiClient,
  readReturn,
} from '../support/fapi-client.js';
import { seededRedirectUri, seedVisit } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

/** As the conformance plans name what each test is of, where no test of `provider.test.ts` is. */
const clock = createMovingClock();
/** What the rightful sender of a token hears of the resource. */
const reached = 200;
const redirectWithQuery = `${seededRedirectUri}?dummy1=lorem&dummy2=ipsum`;

let assent: RunningAssent;
let keys: ClientKeys;
let weakKeys: ClientKeys;
let dpop: DpopKey;
/** `private_key_jwt` and DPoP. */
let tpp: FapiClient;
/** Authenticates by its certificate, to which its tokens are bound. */
let certified: FapiClient;

const seconds = () => Math.floor(clock.now() / 1000);

beforeAll(async () => {
  keys = await createClientKeys('PS256');
  weakKeys = await createClientKeys('RS256');
  dpop = await createDpopKey();
  const weakJwk = { ...weakKeys.publicJwk, alg: undefined };
  const client = {
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    redirect_uris: [seededRedirectUri, redirectWithQuery],
    token_endpoint_auth_method: 'private_key_jwt' as const,
    dpop_bound_access_tokens: true,
    jwks: { keys: [...keys.jwks.keys, weakJwk] },
  };
  assent = await startAssent(
    {
      clients: [
        { ...client, client_id: 'tpp' },
        { ...client, client_id: 'other' },
        {
          ...client,
          client_id: 'certified',
          token_endpoint_auth_method: 'tls_client_auth',
          tls_client_auth_subject_dn: subjectOf('certified'),
          dpop_bound_access_tokens: false,
          tls_client_certificate_bound_access_tokens: true,
        },
      ],
    },
    { clock },
  );
  tpp = createFapiClient(assent, 'tpp', keys, { now: seconds });
  certified = createFapiClient(assent, 'certified', keys, {
    fetch: assent.fetcher(await assent.authority.client('certified')),
    certificateOnly: true,
  });
});

afterAll(() => assent.stop());

const tokenUrl = () => `${assent.issuer}/token`;
const parUrl = () => `${assent.issuer}/request`;
const prove = (url: string, claims = {}, key = dpop) =>
  key.header('POST', url, { iat: seconds(), ...claims });

/** Visits with what was pushed, and says yes. */
async function visit(client: FapiClient, request: Record<string, string> = {}, headers = {}) {
  const pushed = await client.push({ ...authorizationRequest, ...request }, {}, headers);
  expect(pushed.status).toBe(201);
  const url = client.visitUrl(pushed);
  const seeded = await seedVisit(assent, url, { clientId: client.clientId }, clock);
  return { ...seeded, url, answer: readReturn(seeded.returned.headers.get('location')) };
}

const codeFor = async (client: FapiClient, request = {}, headers = {}) =>
  (await visit(client, request, headers)).answer.code ?? '';

/** Where a browser ends that comes with what was pushed: nowhere with the person. */
async function refusalOf(url: string): Promise<string> {
  const response = await assent.fetch(url);
  const location = response.headers.get('location');
  if (location) return String(readReturn(location).error);
  expect(response.status).toBe(400);
  return String(((await response.json()) as { error: string }).error);
}

describe('authorization requests', () => {
  test('come back with what they were made with, to a redirect URI with a query too', async () => {
    const state = 's'.repeat(128);
    const { answer, returned } = await visit(tpp, { state, redirect_uri: redirectWithQuery });
    expect(answer).toMatchObject({ dummy1: 'lorem', dummy2: 'ipsum', state, iss: assent.issuer });
    expect(returned.status).toBe(303);
  });

  test('without state and nonce come back without them; in any order of scopes', async () => {
    const scope = 'accounts:read id:test openid';
    const { answer, connection } = await visit(tpp, { scope });
    expect(answer).not.toHaveProperty('state');
    const { body } = await tpp.redeem(answer.code ?? '', {}, await prove(tokenUrl()));
    expect(decodeJwt(String(body.id_token))).not.toHaveProperty('nonce');
    expect(connection.clientId).toBe('tpp');
  });

  test.each([64, 384, 1000])(
    'keep a nonce and a state of %i characters as they are',
    async (length) => {
      const [state, nonce] = ['s'.repeat(length), 'n'.repeat(length)];
      const { answer } = await visit(tpp, { state, nonce });
      expect(answer.state).toBe(state);
      const { body } = await tpp.redeem(answer.code ?? '', {}, await prove(tokenUrl()));
      expect(decodeJwt(String(body.id_token)).nonce).toBe(nonce);
    },
  );

  test('count for what was pushed, whatever the browser brings along', async () => {
    const pushed = await tpp.push({ ...authorizationRequest, nonce: 'inner' });
    const url = `${tpp.visitUrl(pushed)}&state=outer&nonce=outer&scope=openid`;
    const { params, returned } = await seedVisit(assent, url, { clientId: 'tpp' }, clock);
    expect(params).toMatchObject({ nonce: 'inner', scope: authorizationRequest.scope });
    expect(readReturn(returned.headers.get('location'))).not.toHaveProperty('state');
  });

  test.each([
    ['without a redirect_uri', { redirect_uri: '' }],
    ['to an address that is not registered', { redirect_uri: 'https://evil.example/' }],
    ['to a registered address and more', { redirect_uri: `${seededRedirectUri}/more` }],
    ['for a hybrid response', { response_type: 'code id_token' }],
    ['for an access token', { response_type: 'token' }],
    ['for nothing', { response_type: '' }],
    ['with a request_uri', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }],
    ['without PKCE', { code_challenge: '', code_challenge_method: '' }],
    ['with plain PKCE', { code_challenge_method: 'plain' }],
    ['with another dpop_jkt than its proof', { dpop_jkt: 'x'.repeat(43) }],
  ])('are refused where they are pushed %s', async (_name, change) => {
    const form = Object.entries({ ...authorizationRequest, ...change });
    const filled = Object.fromEntries(form.filter(([, value]) => value !== ''));
    const { status, body } = await tpp.push(filled, {}, await prove(parUrl()));
    expect(status).toBe(400);
    expect(body.error).toMatch(/^(invalid_|unsupported_|request_uri_not_supported)/);
    expect(body).not.toHaveProperty('request_uri');
  });

  test('are refused where they were not pushed', async () => {
    expect(await refusalOf(tpp.urlOf({ client_id: 'tpp', ...authorizationRequest }))).toBe(
      'invalid_request',
    );
  });

  test('that the person declines come back with their state', async () => {
    const pushed = await tpp.push({ ...authorizationRequest, state: 'kept' });
    const begun = await assent.fetch(tpp.visitUrl(pushed));
    const uid = begun.headers.get('location')?.split('/interaction/')[1] ?? '';
    const interaction = await assent.provider.Interaction.find(uid);
    if (!interaction) throw new Error('no visit began');
    interaction.result = { error: 'access_denied', error_description: 'no' };
    await interaction.persist();
    const cookie = begun.headers.getSetCookie().map((text) => text.split(';')[0]);
    const back = await assent.fetch(`/oidc/auth/${uid}`, {
      headers: { cookie: cookie.join('; ') },
    });
    expect(readReturn(back.headers.get('location'))).toMatchObject({
      error: 'access_denied',
      state: 'kept',
      iss: assent.issuer,
    });
  });
});

describe('a request_uri', () => {
  test('works again until the person has finished, and never after', async () => {
    const pushed = await tpp.push(authorizationRequest);
    const url = tpp.visitUrl(pushed);
    const first = await assent.fetch(url);
    expect(first.headers.get('location')).toContain('/interaction/');
    const { returned } = await seedVisit(assent, url, { clientId: 'tpp' }, clock);
    expect(readReturn(returned.headers.get('location')).code).toBeDefined();
    expect(await refusalOf(url)).toBe('invalid_request_uri');
  });

  test('works for its client alone', async () => {
    const pushed = await tpp.push(authorizationRequest);
    const url = tpp.visitUrl(pushed).replace('client_id=tpp', 'client_id=other');
    expect(await refusalOf(url)).toMatch(/^invalid_/);
  });

  test('works for as long as it says', async () => {
    const pushed = await tpp.push(authorizationRequest);
    clock.advance(Number(pushed.body.expires_in) + 1);
    expect(await refusalOf(tpp.visitUrl(pushed))).toBe('invalid_request_uri');
  });
});

test.each(['GET', 'PUT', 'DELETE', 'PATCH'])('PAR is not there for %s', async (method) => {
  const response = await assent.fetch('/oidc/request', { method });
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.status).toBeLessThan(500);
});

describe('client assertions', () => {
  const push = async (claims: Readonly<Record<string, unknown>>) =>
    (await tpp.push(authorizationRequest, claims)).status;

  test.each([
    ['by both times', () => ({ nbf: seconds() + 8, iat: seconds() + 8 })],
    ['by iat alone', () => ({ iat: seconds() + 8 })],
  ])('may be from 8 seconds ahead %s (FAPI 2.0 SP §5.3.2.1-13)', async (_name, claims) => {
    expect(await push(claims())).toBe(201);
  });

  test.each([
    ['from over a minute ahead', () => ({ nbf: seconds() + 70, iat: seconds() + 70 })],
    [
      'from over a minute ahead, by iat alone',
      () => ({ iat: seconds() + 70, exp: seconds() + 300 }),
    ],
    ['that ended five minutes ago', () => ({ exp: seconds() - 300 })],
    ['that live for more than an hour', () => ({ exp: seconds() + 3700 })],
    ['without jti', () => ({ jti: '' })],
    ['of no subject', () => ({ sub: '' })],
    ['of another subject', () => ({ sub: 'other' })],
    ['of another issuer', () => ({ iss: 'other' })],
    ['for somebody else', () => ({ aud: 'https://other.example' })],
    ['for a list with the issuer', () => ({ aud: [assent.issuer] })],
    ['for the PAR endpoint', () => ({ aud: parUrl() })],
    ['for the token endpoint', () => ({ aud: tokenUrl() })],
  ])('are refused %s (SEC-36, SEC-37)', async (_name, claims) => {
    expect([400, 401]).toContain(await push(claims()));
  });

  test('are refused where RS256 signs them, and asked for where there are none', async () => {
    const weak = createFapiClient(assent, 'tpp', weakKeys, { now: seconds });
    const code = await codeFor(tpp);
    const proof = await prove(tokenUrl());
    expect(await weak.redeem(code, {}, proof)).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    const bare = await tpp.post('/oidc/token', {
      client_id: 'tpp',
      grant_type: 'authorization_code',
      code,
      redirect_uri: seededRedirectUri,
    });
    expect(bare).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    // Who did not authenticate has used up nothing.
    expect((await tpp.redeem(code, {}, await prove(tokenUrl()))).status).toBe(200);
  });
});

describe('DPoP binds a code (RFC 9449 §10)', () => {
  test.each([
    ['by dpop_jkt alone', true, false],
    ['by the proof at PAR', false, true],
    ['by both', true, true],
  ])('%s, to the same key', async (_name, named, proven) => {
    const request = named ? { dpop_jkt: dpop.thumbprint } : {};
    const headers = () => (proven ? prove(parUrl()) : Promise.resolve({}));
    const stolen = await codeFor(tpp, request, await headers());
    const thief = await createDpopKey();
    expect(await tpp.redeem(stolen, {}, await prove(tokenUrl(), {}, thief))).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    const code = await codeFor(tpp, request, await headers());
    const { status, body } = await tpp.redeem(code, {}, await prove(tokenUrl()));
    expect({ status, type: body.token_type }).toEqual({ status: 200, type: 'DPoP' });
  });

  test.each([-10, 10])(
    'with proofs made %i seconds from now, at PAR, token and resource',
    async (offset) => {
      const iat = () => ({ iat: seconds() + offset });
      const code = await codeFor(tpp, {}, await prove(parUrl(), iat()));
      const { body } = await tpp.redeem(code, {}, await prove(tokenUrl(), iat()));
      const token = String(body.access_token);
      const resource = `${assent.configuration.publicUrl}/v3/accounts`;
      const ath = createHash('sha256').update(token).digest('base64url');
      const proof = await dpop.header('GET', resource, { ...iat(), ath });
      const answer = await assent.fetch(resource, {
        headers: { ...proof, authorization: `dPoP ${token}` },
      });
      expect(answer.status).toBe(reached);
      const inQuery = await assent.fetch(`${resource}?access_token=${token}`, { headers: proof });
      expect(inQuery.status).toBe(401);
      const asBearer = await assent.fetch(resource, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(asBearer.status).toBe(401);
    },
  );

  test.each([
    ['for another method', { htm: 'GET' }],
    ['for another address', { htu: 'https://other.example/token' }],
    ['without jti', { jti: undefined }],
    ['without iat', { iat: undefined }],
    ['from an hour ago', { iat: epoch() - 3600 }],
  ])('and proofs %s are refused (SEC-28)', async (_name, claims) => {
    const code = await codeFor(tpp);
    const proof = JSON.parse(JSON.stringify({ iat: seconds(), ...claims }));
    const headers = await dpop.header('POST', tokenUrl(), { ...claims, ...proof });
    const { status, body } = await tpp.redeem(code, {}, headers);
    expect(status).toBe(400);
    expect(body.error).toBe('invalid_dpop_proof');
  });

  test('and a proof works once (SEC-27)', async () => {
    const proof = await prove(tokenUrl());
    const form = { grant_type: 'client_credentials', scope: 'user:read' };
    expect((await tpp.token(form, proof)).status).toBe(200);
    expect(await tpp.token(form, proof)).toMatchObject({
      status: 400,
      body: { error: 'invalid_dpop_proof' },
    });
  });
});

describe('codes', () => {
  test('need the verifier of their challenge (SEC-03)', async () => {
    const code = await codeFor(tpp);
    for (const code_verifier of ['', 'another-verifier-that-is-long-enough-for-the-rule']) {
      const { body } = await tpp.redeem(code, { code_verifier }, await prove(tokenUrl()));
      expect(body.error).toBe('invalid_grant');
    }
    expect((await tpp.redeem(code, {}, await prove(tokenUrl()))).status).toBe(200);
  });

  test('work for their client, under its own name', async () => {
    const code = await codeFor(certified);
    expect((await tpp.redeem(code, {}, await prove(tokenUrl()))).body.error).toBe('invalid_grant');
    const mixed = await tpp.redeem(
      await codeFor(tpp),
      { client_id: 'other' },
      await prove(tokenUrl()),
    );
    expect(mixed.status).toBe(400);
    expect(mixed.body.error).toBe('invalid_request');
    expect((await certified.redeem(code)).status).toBe(200);
  });

  test('work for 60 seconds (SEC-05)', async () => {
    const code = await codeFor(tpp);
    clock.advance(61);
    const { status, body } = await tpp.redeem(code, {}, await prove(tokenUrl()));
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' });
  });

  test('used twice end what the first use gave', async () => {
    const code = await codeFor(certified);
    const { body } = await certified.redeem(code);
    const thumbed = assent.fetcher(await assent.authority.client('certified'));
    const read = () =>
      thumbed(`${assent.configuration.mtlsUrl}/v3/accounts`, {
        headers: { authorization: `Bearer ${String(body.access_token)}` },
      });
    expect((await read()).status).toBe(reached);
    expect((await certified.redeem(code)).body.error).toBe('invalid_grant');
    expect((await read()).status).toBe(401);
  });
});

describe('tokens', () => {
  test('are not given without what they are bound to', async () => {
    expect((await tpp.redeem(await codeFor(tpp))).status).toBe(400);
    const nobody = createFapiClient(assent, 'certified', keys, { certificateOnly: true });
    expect(await nobody.redeem(await codeFor(certified))).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
  });

  test('are refreshed by their client, with proof, and stay the same', async () => {
    const scope = 'openid offline_access id:test accounts:read';
    const code = await codeFor(tpp, { scope, prompt: 'consent' });
    const { body } = await tpp.redeem(code, {}, await prove(tokenUrl()));
    const form = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) };
    const refresh = async (client: FapiClient, headers = {}) => client.token(form, headers);

    expect((await refresh(tpp)).status).toBe(400);
    const other = createFapiClient(assent, 'other', keys, { now: seconds });
    expect((await refresh(other, await prove(tokenUrl()))).body.error).toBe('invalid_grant');
    const bare = await tpp.post('/oidc/token', { ...form, client_id: 'tpp' });
    expect(bare.status).toBe(401);
    const first = await refresh(tpp, await prove(tokenUrl()));
    expect(first.status).toBe(200);
    expect(first.body.refresh_token ?? form.refresh_token).toBe(form.refresh_token);
    expect((await refresh(tpp, await prove(tokenUrl()))).status).toBe(200);
  });
});
