import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, type JWTPayload, UnsecuredJWT } from 'jose';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { startClientAt } from '../e2e/moneyhub-client.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { seededRedirectUri, seedVisit } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
const clock = createMovingClock();
const calls: string[] = [];

let assent: RunningAssent;
let keys: ClientKeys;
let others: ClientKeys;

beforeAll(async () => {
  [keys, others] = [await createClientKeys('PS256'), await createClientKeys('PS256')];
  const common = {
    client_secret: secret,
    profile: 'identity-service',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code', 'client_credentials', 'refresh_token', 'implicit'],
    response_types: ['code', 'code id_token'],
    redirect_uris: [seededRedirectUri, 'https://tpp.example/other'],
    jwks: keys.jwks,
  };
  assent = await startAssent(
    {
      clients: [
        { ...common, client_id: 'tpp' },
        { ...common, client_id: 'signing', require_signed_request_object: true },
        { ...common, client_id: 'pushing', require_pushed_authorization_requests: true },
        {
          client_id: 'fapi',
          token_endpoint_auth_method: 'private_key_jwt',
          dpop_bound_access_tokens: true,
          redirect_uris: [seededRedirectUri],
          jwks: keys.jwks,
        },
      ],
    },
    {
      clock,
      onStorageCall: ({ operation, collection }) => calls.push(`${operation} ${collection}`),
    },
  );
});

afterAll(() => assent.stop());

const now = () => Math.floor(clock.now() / 1000);

function claims(changes: Record<string, unknown> = {}): JWTPayload {
  return {
    iss: 'tpp',
    aud: assent.issuer,
    client_id: 'tpp',
    exp: now() + 300,
    scope: 'openid id:test accounts:read',
    state: 'signed-state',
    nonce: 'signed-nonce',
    redirect_uri: seededRedirectUri,
    response_type: 'code',
    prompt: 'consent',
    claims: { id_token: { sub: { essential: true }, 'mh:con_id': { essential: true } } },
    ...changes,
  };
}

async function leave(body: string, type = 'application/jws') {
  const response = await assent.fetch('/request', {
    method: 'POST',
    body,
    headers: { 'content-type': type },
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function paramsOf(url: string) {
  const response = await assent.fetch(url, { headers: { accept: 'text/html' } });
  const location = response.headers.get('location') ?? '';
  const interaction = await assent.provider.Interaction.find(location.split('/').at(-1) ?? '');
  return { status: response.status, location, params: interaction?.params };
}

describe('POST /request', () => {
  test('takes what the published client leaves there, and its URL begins a visit', async () => {
    const client = await startClientAt(assent, {
      client_id: 'tpp',
      client_secret: secret,
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: [seededRedirectUri],
      keys,
    });
    const object = await client.call<string>('requestObject', {
      scope: 'openid id:test',
      state: 'state',
      nonce: 'nonce',
      claims: { id_token: { 'mh:con_id': { essential: true } } },
    });
    const requestUri = await client.call<string>('getRequestUri', object);
    expect(requestUri).toMatch(/^urn:x-mh-request:[0-9a-f-]{36}$/);
    const url = await client.call<string>('getAuthorizeUrlFromRequestUri', { requestUri });
    const { params } = await paramsOf(url);
    expect(params).toMatchObject({
      client_id: 'tpp',
      scope: 'openid id:test',
      state: 'state',
      redirect_uri: seededRedirectUri,
    });
    client.stop();
  });

  test('keeps a request once, however often it is brought, until it ends', async () => {
    const object = await keys.sign(claims());
    const { status, headers, text: reference } = await leave(object);
    expect(status).toBe(201);
    expect(headers.get('content-type')).toMatch(/^text\/plain/);
    expect((await leave(object)).text).toBe(reference);
    expect((await leave(await keys.sign(claims()))).text).toBe(reference);
    const url = `/oidc/auth?request_uri=${reference}`;
    for (const _use of [1, 2]) expect((await paramsOf(url)).location).toContain('/interaction/');
    // As the documentation of the hosted service also writes it.
    const long = await paramsOf(`${url}&client_id=tpp&scope=openid`);
    expect(long.params).toMatchObject({ scope: 'openid id:test accounts:read' });
    expect((await paramsOf(`${url}&client_id=signing`)).params).toBeUndefined();
    clock.advance(316);
    expect((await paramsOf(url)).status).toBe(400);
    expect((await leave(object)).status).toBe(400);
  });

  test('does not keep it for longer than ten minutes', async () => {
    const { text } = await leave(await keys.sign(claims({ exp: now() + 86_400 })));
    clock.advance(616);
    expect((await paramsOf(`/oidc/auth?request_uri=${text}`)).status).toBe(400);
  });

  const deep = () => JSON.parse(`${'['.repeat(2000)}${']'.repeat(2000)}`);

  test.each<[string, () => Promise<string> | string, number?]>([
    ['an unsecured object', () => new UnsecuredJWT(claims()).encode()],
    ['another key', () => others.sign(claims())],
    ['an unknown client', () => keys.sign(claims({ client_id: 'nobody', iss: 'nobody' }))],
    ['another issuer than its client', () => keys.sign(claims({ iss: 'signing' }))],
    ['another audience', () => keys.sign(claims({ aud: 'https://other.example' }))],
    ['what is over', () => keys.sign(claims({ exp: now() - 60 }))],
    ['a FAPI client’s', () => keys.sign(claims({ client_id: 'fapi', iss: 'fapi' }))],
    ['a pushing client’s', () => keys.sign(claims({ client_id: 'pushing', iss: 'pushing' }))],
    ['garbage', () => 'garbage'],
    ['nothing', () => ''],
    ['40 KiB', () => keys.sign(claims({ state: 'x'.repeat(40 * 1024) })), 413],
    ['depth', () => keys.sign(claims({ claims: deep() }))],
  ])('refuses %s and stores nothing', async (_name, object, expected = 400) => {
    const signed = await object();
    calls.length = 0;
    const { status, text } = await leave(signed);
    expect({ status, ...JSON.parse(text) }).toEqual({
      status: expected,
      code: expected === 413 ? 'PayloadTooLarge' : 'BadRequest',
      message: expect.any(String),
      correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(calls.filter((call) => call.startsWith('commit'))).toEqual([]);
  });

  test('is asked with POST and a JWS alone', async () => {
    expect((await leave(await keys.sign(claims()), 'application/json')).status).toBe(415);
    const got = await assent.fetch('/request');
    expect({ status: got.status, allow: got.headers.get('allow') }).toEqual({
      status: 405,
      allow: 'POST',
    });
  });

  test('an unknown reference is refused on a page, and not mistaken for another kind', async () => {
    const unknown = `urn:x-mh-request:${crypto.randomUUID()}`;
    const { status, location } = await paramsOf(`/oidc/auth?request_uri=${unknown}&client_id=tpp`);
    expect({ status, location }).toEqual({ status: 400, location: '' });
  });
});

describe('a request object that holds only some of the parameters', () => {
  const partial = () =>
    claims({
      response_type: undefined,
      redirect_uri: undefined,
      prompt: undefined,
      exp: undefined,
      max_age: 86_400,
    });

  function legacyUrl(request: string, changes: Record<string, string> = {}) {
    const query = new URLSearchParams({
      client_id: 'tpp',
      scope: 'openid id:test accounts:read',
      response_type: 'code',
      redirect_uri: seededRedirectUri,
      state: 'plain-state',
      nonce: 'plain-nonce',
      request,
      ...changes,
    });
    return `/oidc/auth?${query}`;
  }

  test('is completed, prevails where it speaks, and max_age brings auth_time', async () => {
    const url = legacyUrl(await keys.sign(partial()));
    const { params, returned, connection } = await seedVisit(
      assent,
      url,
      {
        clientId: 'tpp',
        scope: 'accounts:read',
      },
      clock,
    );
    expect(params).toMatchObject({
      response_type: 'code',
      redirect_uri: seededRedirectUri,
      state: 'signed-state',
      nonce: 'signed-nonce',
      max_age: '86400',
    });
    const back = new URL(returned.headers.get('location') ?? '');
    expect(back.searchParams.get('state')).toBe('signed-state');
    const answer = await assent.fetch('/oidc/token', {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: back.searchParams.get('code') ?? '',
        redirect_uri: seededRedirectUri,
      }),
      headers: { authorization: `Basic ${Buffer.from(`tpp:${secret}`).toString('base64')}` },
    });
    const { id_token: idToken } = (await answer.json()) as { id_token: string };
    expect(decodeJwt(idToken)).toMatchObject({
      auth_time: expect.any(Number),
      nonce: 'signed-nonce',
      'mh:con_id': connection.id,
    });
  });

  test.each<[string, () => Promise<string> | string, number?]>([
    ['unsigned', async () => legacyUrl(new UnsecuredJWT(partial()).encode())],
    ['signed by another', async () => legacyUrl(await others.sign(partial()))],
    [
      'signed for another client',
      async () => legacyUrl(await keys.sign(partial()), { client_id: 'signing' }),
    ],
    [
      'of a client that signs all it asks',
      async () => {
        const own = { ...partial(), client_id: 'signing', iss: 'signing' };
        return legacyUrl(await keys.sign(own), { client_id: 'signing' });
      },
    ],
    ['that nests another', async () => legacyUrl(await keys.sign({ ...partial(), request: 'x' }))],
    [
      'to an address that is not registered',
      async () => legacyUrl(await keys.sign(partial()), { redirect_uri: 'https://evil.example/' }),
    ],
  ])('is refused %s', async (_name, url) => {
    const { params, location } = await paramsOf(await url());
    expect(params).toBeUndefined();
    expect(location).not.toContain('evil.example');
  });

  test('is refused of a FAPI client', async () => {
    const own = { ...partial(), client_id: 'fapi', iss: 'fapi' };
    const { params } = await paramsOf(legacyUrl(await keys.sign(own), { client_id: 'fapi' }));
    expect(params).toBeUndefined();
  });
});

test('a request object alone in the URL names its client itself', async () => {
  const { params } = await paramsOf(`/oidc/auth?request=${await keys.sign(claims())}`);
  expect(params).toMatchObject({ client_id: 'tpp', state: 'signed-state' });
  const fapi = claims({ client_id: 'fapi', iss: 'fapi' });
  expect((await paramsOf(`/oidc/auth?request=${await keys.sign(fapi)}`)).status).toBe(400);
});
