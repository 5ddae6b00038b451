import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify, UnsecuredJWT } from 'jose';
import * as openid from 'openid-client';
import { Agent, fetch as undiciFetch } from 'undici';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import {
  authorizationRequest,
  createDpopKey,
  createFapiClient,
  epoch,
  type FapiClient,
  readReturn,
  verifier,
} from '../support/fapi-client.js';
import { seededRedirectUri, seedVisit } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

let assent: RunningAssent;
let keys: ClientKeys;
let otherKeys: ClientKeys;
let weakKeys: ClientKeys;
let tpp: FapiClient;
let published: ReturnType<typeof createLocalJWKSet>;

const visit = { clientId: 'tpp' };

beforeAll(async () => {
  keys = await createClientKeys('ES256');
  otherKeys = await createClientKeys('PS256');
  weakKeys = await createClientKeys('RS256');
  const client = {
    profile: 'fapi2-message-signing',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    redirect_uris: [seededRedirectUri],
    token_endpoint_auth_method: 'private_key_jwt' as const,
    dpop_bound_access_tokens: true,
    jwks: keys.jwks,
  };
  const weakJwk = { ...weakKeys.publicJwk, alg: undefined };
  assent = await startAssent({
    clients: [
      { ...client, client_id: 'tpp' },
      { ...client, client_id: 'signed-requests', response_modes: ['query'] },
      { ...client, client_id: 'signed-answers', require_signed_request_object: false },
      { ...client, client_id: 'rsa', jwks: { keys: [...keys.jwks.keys, weakJwk] } },
      {
        ...client,
        client_id: 'bank-api',
        redirect_uris: [],
        response_types: [],
        grant_types: [],
        resource_server: true,
        introspection_signed_response_alg: 'PS256',
      },
    ],
  });
  tpp = createFapiClient(assent, 'tpp', keys);
  const answer = await assent.fetch('/oidc/certs');
  published = createLocalJWKSet((await answer.json()) as JSONWebKeySet);
});

afterAll(() => assent.stop());

test('a signed request is answered with a signed response, as openid-client does both', async () => {
  const agent = new Agent({
    connect: { ca: await readFile(assent.authority.certificate, 'utf8') },
  });
  const send = (url: string, init: object) => undiciFetch(url, { ...init, dispatcher: agent });
  const key = { key: keys.privateKey, kid: keys.publicJwk.kid ?? '' };
  const config = await openid.discovery(
    new URL(assent.issuer),
    'tpp',
    { id_token_signed_response_alg: 'ES256', authorization_signed_response_alg: 'ES256' },
    openid.PrivateKeyJwt(key),
    { [openid.customFetch]: send as never },
  );
  openid.useJwtResponseMode(config);
  const dpop = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair());
  const state = openid.randomState();
  const signed = await openid.buildAuthorizationUrlWithJAR(
    config,
    { ...authorizationRequest, state },
    key,
  );
  const url = await openid.buildAuthorizationUrlWithPAR(config, signed.searchParams, {
    DPoP: dpop,
  });
  const { returned } = await seedVisit(assent, url.href, visit);
  const callback = new URL(returned.headers.get('location') ?? '');
  expect([...callback.searchParams.keys()]).toEqual(['response']);

  const tokens = await openid.authorizationCodeGrant(
    config,
    callback,
    { pkceCodeVerifier: verifier, expectedState: state },
    undefined,
    { DPoP: dpop },
  );
  expect(tokens.token_type).toBe('dpop');
  await agent.destroy();
});

describe('authorization responses (FAPI 2.0 Message Signing §5.4.1)', () => {
  test('are signed for the client, by the issuer, and live briefly', async () => {
    const pushed = await tpp.push({ request: await tpp.requestObject({ state: 's' }) });
    const refused = await tpp.push({
      request: await tpp.requestObject({ state: 's', response_mode: 'query' }),
    });
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_request' } });

    const pushedJwt = await tpp.push({
      request: await tpp.requestObject({ state: 's', response_mode: 'jwt' }),
    });
    const { returned } = await seedVisit(assent, tpp.visitUrl(pushedJwt), visit);
    const { response = '' } = readReturn(returned.headers.get('location'));
    const { payload } = await jwtVerify(response, published, {
      issuer: assent.issuer,
      audience: 'tpp',
    });
    expect(payload).toMatchObject({ code: expect.any(String), state: 's' });
    expect(Number(payload.exp) - epoch()).toBeLessThanOrEqual(120);
    // Without a mode the answer would be in the clear.
    expect(pushed).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  test('are signed also where they say no', async () => {
    const pushed = await tpp.push({
      request: await tpp.requestObject({ state: 's', response_mode: 'jwt', prompt: 'none' }),
    });
    const answer = await assent.fetch(tpp.visitUrl(pushed));
    const { response = '' } = readReturn(answer.headers.get('location'));
    const { payload } = await jwtVerify(response, published, {
      issuer: assent.issuer,
      audience: 'tpp',
    });
    expect(payload).toMatchObject({ error: 'consent_required', state: 's' });
  });
});

describe('authorization requests (FAPI 2.0 Message Signing §5.3.1)', () => {
  const jwt = { response_mode: 'jwt' };

  test.each([
    ['an audience among several', () => ({ aud: ['https://other.example', assent.issuer] })],
    ['an nbf 8 seconds ahead', () => ({ nbf: epoch() + 8, exp: epoch() + 300 })],
    ['an iat 8 seconds ahead', () => ({ iat: epoch() + 8 })],
    ['an hour between nbf and exp', () => ({ nbf: epoch() - 60, exp: epoch() + 3540 })],
  ])('are accepted with %s', async (_name, claims) => {
    const request = await tpp.requestObject({ ...jwt, ...claims() });
    expect((await tpp.push({ request })).status).toBe(201);
  });

  test.each([
    ['without exp', () => ({ exp: undefined })],
    ['without nbf', () => ({ nbf: undefined })],
    ['without aud', () => ({ aud: undefined })],
    ['that have expired', () => ({ nbf: epoch() - 600, exp: epoch() - 300 })],
    ['for another server', () => ({ aud: 'https://other.example' })],
    ['for the PAR endpoint', () => ({ aud: `${assent.issuer}/request` })],
    ['that live for over an hour', () => ({ nbf: epoch(), exp: epoch() + 3700 })],
    ['made over an hour ago', () => ({ nbf: epoch() - 3700, exp: epoch() + 60 })],
    ['from a minute ahead', () => ({ nbf: epoch() + 70, exp: epoch() + 300 })],
    ['from a minute ahead, by iat alone', () => ({ iat: epoch() + 70, exp: epoch() + 300 })],
    ['by another issuer', () => ({ iss: 'signed-answers' })],
    ['of another client', () => ({ client_id: 'signed-answers' })],
    ['with a request_uri inside', () => ({ request_uri: 'urn:ietf:params:oauth:request_uri:x' })],
    ['with a request inside', () => ({ request: 'e30.e30.' })],
  ])('are refused %s', async (_name, claims) => {
    const request = await tpp.requestObject({ ...jwt, ...claims() });
    const { status, body } = await tpp.push({ request });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request_object' });
  });

  test.each([
    'oauth-authz-req+jwt',
    'application/oauth-authz-req+jwt',
    'application/OAuth-Authz-Req+JWT',
    'JWT',
  ])('are accepted with the typ %s (RFC 7515 §4.1.9)', async (typ) => {
    const request = await tpp.requestObject(jwt, { typ });
    expect((await tpp.push({ request })).status).toBe(201);
  });

  test.each([
    ['a client assertion', 'client-authentication+jwt'],
    ['a DPoP proof', 'dpop+jwt'],
    ['a DPoP proof, in full', 'application/dpop+jwt'],
    ['something else', 'application/application/jwt'],
  ])('are refused with the typ of %s', async (_name, typ) => {
    const request = await tpp.requestObject(jwt, { typ });
    expect(await tpp.push({ request })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request_object' },
    });
  });

  test('are refused where nobody, somebody else, RS256 or a broken signature signs them', async () => {
    const unsigned = new UnsecuredJWT({ client_id: 'tpp', ...authorizationRequest, ...jwt })
      .setIssuer('tpp')
      .setAudience(assent.issuer)
      .setNotBefore('0s')
      .setExpirationTime('5m')
      .encode();
    const good = await tpp.requestObject(jwt);
    const foreign = await createFapiClient(assent, 'tpp', otherKeys).requestObject(jwt);
    const broken = `${good.slice(0, -8)}AAAAAAAA`;
    for (const request of [unsigned, foreign, broken]) {
      expect(await tpp.push({ request })).toMatchObject({
        status: 400,
        body: { error: 'invalid_request_object' },
      });
    }
    const rsa = createFapiClient(assent, 'rsa', keys);
    const weak = await createFapiClient(assent, 'rsa', weakKeys).requestObject(jwt);
    const { status, body } = await rsa.push({ request: weak });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request_object' });
    expect(body.error_description).toContain('algorithm');
  });

  test('are refused as plain parameters', async () => {
    expect(await tpp.push({ ...authorizationRequest, ...jwt })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });

  test('count for what is inside of them alone', async () => {
    const request = await tpp.requestObject({ ...jwt, state: 'inner', nonce: 'inner' });
    const outer = { state: 'outer', nonce: 'outer', scope: 'openid id:all' };
    const pushed = await tpp.push({ request, ...outer });
    const { params } = await seedVisit(
      assent,
      `${tpp.visitUrl(pushed)}&state=outer&nonce=outer`,
      visit,
    );
    expect(params).toMatchObject({
      state: 'inner',
      nonce: 'inner',
      scope: authorizationRequest.scope,
    });
  });
});

describe('clients that sign one direction only', () => {
  test('with signed requests have their answers in the clear', async () => {
    const client = createFapiClient(assent, 'signed-requests', keys);
    expect((await client.push(authorizationRequest)).status).toBe(400);
    const pushed = await client.push({ request: await client.requestObject({ state: 's' }) });
    const { returned } = await seedVisit(assent, client.visitUrl(pushed), {
      clientId: 'signed-requests',
    });
    expect(readReturn(returned.headers.get('location'))).toMatchObject({
      code: expect.any(String),
      state: 's',
      iss: assent.issuer,
    });
  });

  test('with signed answers push plain requests', async () => {
    const client = createFapiClient(assent, 'signed-answers', keys);
    expect((await client.push(authorizationRequest)).status).toBe(400);
    const pushed = await client.push({ ...authorizationRequest, response_mode: 'jwt' });
    expect(pushed.status).toBe(201);
  });

  test('are not registered to sign nothing, or with RS256', async () => {
    const metadata = {
      client_id: 'new',
      profile: 'fapi2-message-signing',
      redirect_uris: [seededRedirectUri],
      token_endpoint_auth_method: 'private_key_jwt' as const,
      dpop_bound_access_tokens: true,
      jwks: keys.jwks,
    };
    await expect(assent.provider.Client.validate(metadata)).resolves.toBeUndefined();
    for (const change of [
      { require_signed_request_object: false, response_modes: ['query'] },
      { authorization_signed_response_alg: 'RS256' as const },
      { introspection_signed_response_alg: 'RS256' as const },
      { request_object_signing_alg: 'RS256' as const },
    ]) {
      await expect(
        assent.provider.Client.validate({ ...metadata, ...change }),
      ).rejects.toMatchObject({ error: 'invalid_client_metadata' });
    }
  });
});

describe('introspection (FAPI 2.0 Message Signing §5.5.1, RFC 9701)', () => {
  const accept = 'application/token-introspection+jwt';

  test('is signed where a resource asks for it so', async () => {
    const dpop = await createDpopKey();
    const token = `${assent.issuer}/token`;
    const { body } = await tpp.token(
      { grant_type: 'client_credentials', scope: 'user:read' },
      await dpop.header('POST', token),
    );
    const assertion = await keys.assertion('bank-api', assent.issuer);
    const response = await assent.fetch('/oidc/token/introspection', {
      method: 'POST',
      body: new URLSearchParams({ ...assertion, token: String(body.access_token) }),
      headers: { accept },
    });
    expect(response.headers.get('content-type')).toContain(accept);
    const { payload, protectedHeader } = await jwtVerify(await response.text(), published, {
      issuer: assent.issuer,
      audience: 'bank-api',
    });
    expect(protectedHeader).toMatchObject({ typ: 'token-introspection+jwt', alg: 'PS256' });
    expect(payload.iat).toEqual(expect.any(Number));
    expect(payload).not.toHaveProperty('exp');
    expect(payload).not.toHaveProperty('sub');
    expect(payload.token_introspection).toMatchObject({
      active: true,
      client_id: 'tpp',
      cnf: { jkt: dpop.thumbprint },
    });
  });

  test('says in the same way that a token is none', async () => {
    const assertion = await keys.assertion('bank-api', assent.issuer);
    const response = await assent.fetch('/oidc/token/introspection', {
      method: 'POST',
      body: new URLSearchParams({ ...assertion, token: 'none' }),
      headers: { accept },
    });
    const { payload } = await jwtVerify(await response.text(), published);
    expect(payload.token_introspection).toEqual({ active: false });
  });
});

test('discovery announces what may be signed, and requires it of nobody else', async () => {
  const response = await assent.fetch('/oidc/.well-known/openid-configuration');
  const document = (await response.json()) as Record<string, unknown>;
  expect(document).toMatchObject({
    response_modes_supported: expect.arrayContaining(['jwt', 'query.jwt', 'query']),
    authorization_signing_alg_values_supported: ['ES256', 'PS256'],
    introspection_signing_alg_values_supported: ['ES256', 'PS256'],
    request_object_signing_alg_values_supported: expect.arrayContaining(['ES256', 'PS256']),
    tls_client_certificate_bound_access_tokens: true,
  });
  expect(document).not.toHaveProperty('require_signed_request_object');
  expect(document).not.toHaveProperty('require_pushed_authorization_requests');
});
