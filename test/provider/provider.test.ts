import type { IncomingMessage } from 'node:http';
import { get, request } from 'node:https';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, UnsecuredJWT } from 'jose';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
const redirectUri = 'https://tpp.example/callback';
const challenge = {
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256',
};

let assent: RunningAssent;
let keys: ClientKeys;

beforeAll(async () => {
  keys = await createClientKeys();
  const common = {
    grant_types: ['authorization_code', 'client_credentials', 'refresh_token', 'implicit'],
    redirect_uris: [redirectUri],
  };
  assent = await startAssent({
    clients: [
      {
        ...common,
        client_id: 'identity',
        client_secret: secret,
        profile: 'identity-service',
        token_endpoint_auth_method: 'client_secret_basic',
        response_types: ['code', 'code id_token'],
        unsigned_pushed_request_object: true,
        jwks: keys.jwks,
      },
      {
        ...common,
        client_id: 'identity-signed',
        client_secret: secret,
        profile: 'identity-service',
        token_endpoint_auth_method: 'client_secret_basic',
        scope: 'openid id:test accounts:read user:create',
        jwks: keys.jwks,
      },
      {
        ...common,
        client_id: 'fapi',
        grant_types: ['authorization_code', 'client_credentials', 'refresh_token'],
        token_endpoint_auth_method: 'private_key_jwt',
        dpop_bound_access_tokens: true,
        jwks: keys.jwks,
      },
    ],
  });
});

afterAll(() => assent.stop());

async function post(
  path: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const response = await assent.fetch(path, {
    method: 'POST',
    body: new URLSearchParams(form).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} };
}

function basic(clientId: string) {
  return { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` };
}

describe('discovery', () => {
  test('has every URL under the issuer or the mTLS alias, on both listeners', async () => {
    const { publicUrl, mtlsUrl } = assent.configuration;
    for (const base of [publicUrl, mtlsUrl]) {
      const response = await assent.fetch(`${base}/oidc/.well-known/openid-configuration`);
      const document = (await response.json()) as Record<string, unknown>;
      const { mtls_endpoint_aliases: aliases, ...rest } = document;
      expect(document.issuer).toBe(assent.issuer);
      for (const value of Object.values(rest)) {
        if (typeof value === 'string' && value.startsWith('https:')) {
          expect(value.startsWith(assent.issuer)).toBe(true);
        }
      }
      for (const value of Object.values(aliases as object)) {
        expect(value.startsWith(`${mtlsUrl}/oidc/`)).toBe(true);
      }
    }
  });

  test('is also where RFC 8414 looks for it', async () => {
    const response = await assent.fetch('/.well-known/oauth-authorization-server/oidc');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ token_endpoint: `${assent.issuer}/token` });
  });

  test('does not answer under another host name (SEC-52)', async () => {
    const { publicUrl } = assent.configuration;
    const status = await new Promise((resolve, reject) => {
      get(`${publicUrl}/oidc/.well-known/openid-configuration`, {
        headers: { host: 'evil.example' },
        rejectUnauthorized: false,
      })
        .on('response', (response) => resolve(response.resume().statusCode))
        .on('error', reject);
    });
    expect(status).toBe(421);
  });

  test.each(['/oidc/token', '/users'])(
    'reads no Authorization header of several, at %s (RFC 9110 §5.3)',
    async (path) => {
      const headers = ['host', new URL(assent.configuration.publicUrl).host];
      for (const credentials of ['Basic YTpi', 'Bearer x']) {
        headers.push('authorization', credentials);
      }
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const method = path === '/users' ? 'GET' : 'POST';
        const options = { method, headers, rejectUnauthorized: false };
        request(`${assent.configuration.publicUrl}${path}`, options)
          .on('response', resolve)
          .on('error', reject)
          .end();
      });
      expect(answer.statusCode).toBe(400);
      expect(await text(answer)).toContain('several Authorization headers');
    },
  );

  test('publishes public keys only', async () => {
    const response = await assent.fetch('/oidc/certs');
    const { keys: published } = (await response.json()) as { keys: Record<string, unknown>[] };
    expect(published.map(({ use, kty }) => `${use} ${kty}`).sort()).toEqual([
      ...['enc EC', 'enc RSA'],
      ...['sig EC', 'sig RSA'],
    ]);
    for (const key of published) expect(key).not.toHaveProperty('d');
  });
});

describe('client_credentials', () => {
  const grant = { grant_type: 'client_credentials' };

  test.each([
    ['an unknown scope', { scope: 'nonsense' }, 'invalid_scope'],
    ['openid', { scope: 'openid' }, 'invalid_scope'],
    ['a visit scope', { scope: 'reauth' }, 'invalid_scope'],
    ['data of nobody', { scope: 'accounts:read' }, 'invalid_request'],
    [
      'data of an unknown person',
      { scope: 'accounts:read', sub: 'a'.repeat(24) },
      'invalid_request',
    ],
    [
      'two transaction scopes',
      { scope: 'transactions:read:in transactions:read:out', sub: 'a'.repeat(24) },
      'invalid_scope',
    ],
    [
      'writing without reading',
      { scope: 'transactions:write', sub: 'a'.repeat(24) },
      'invalid_scope',
    ],
  ])('refuses %s', async (_name, form, error) => {
    const { status, body } = await post('/oidc/token', { ...grant, ...form }, basic('identity'));
    expect({ status, error: body.error }).toEqual({ status: 400, error });
  });

  test("refuses a scope outside the client's registration", async () => {
    const { body } = await post(
      '/oidc/token',
      { ...grant, scope: 'user:delete' },
      basic('identity-signed'),
    );
    expect(body.error).toBe('invalid_scope');
  });

  test('gives a token for payments, which are not announced: the call says that there are none', async () => {
    const scope = 'payee:create payee:read payment:read recurring_payment:create';
    const { status, body } = await post('/oidc/token', { ...grant, scope }, basic('identity'));
    expect({ status, scope: body.scope }).toEqual({ status: 200, scope });
    const discovery = await assent.fetch('/oidc/.well-known/openid-configuration');
    const { scopes_supported: announced } = (await discovery.json()) as Record<string, string[]>;
    expect(announced?.filter((name) => name.startsWith('pay'))).toEqual([]);
  });

  test('refuses a token without its sender constraint to a FAPI client', async () => {
    const assertion = await keys.assertion('fapi', assent.issuer);
    const { status, body } = await post('/oidc/token', {
      ...grant,
      scope: 'user:read',
      ...assertion,
    });
    expect(status).toBe(400);
    expect(body.error).toBe('invalid_grant');
  });

  test('accepts an assertion once, also of 20 at the same moment (SEC-37)', async () => {
    const assertion = await keys.assertion('fapi', assent.issuer);
    const push = {
      ...assertion,
      ...challenge,
      scope: 'openid id:all',
      response_type: 'code',
      redirect_uri: redirectUri,
    };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post('/oidc/request', push)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(19);
  });

  test.each([
    ['the token endpoint', () => `${assent.issuer}/token`],
    ['an array', () => [assent.issuer]],
  ])('refuses an assertion for %s from a FAPI client (SEC-36)', async (_name, audience) => {
    const assertion = await keys.assertion('fapi', audience());
    const { status } = await post('/oidc/request', { ...assertion, scope: 'openid' });
    expect(status).toBe(401);
  });
});

describe('pushed requests of the identity service', () => {
  const claims = { id_token: { sub: { essential: true }, 'mh:con_id': { essential: true } } };
  const request = {
    scope: 'openid id:test accounts:read',
    state: 'state',
    nonce: 'nonce',
    prompt: 'consent',
    response_type: 'code',
    redirect_uri: redirectUri,
    claims,
  };

  function unsigned(client: string, audience = assent.issuer, expires = '5m') {
    return new UnsecuredJWT({ client_id: client, ...request })
      .setIssuer(client)
      .setAudience(audience)
      .setExpirationTime(expires)
      .encode();
  }

  test('accepts an unsigned request object where the client is registered for it', async () => {
    const { status, body } = await post(
      '/oidc/request',
      { request: unsigned('identity'), client_id: 'identity' },
      basic('identity'),
    );
    expect(status).toBe(201);
    expect(body.request_uri).toMatch(/^urn:ietf:params:oauth:request_uri:/);

    const response = await assent.fetch(`/oidc/auth?request_uri=${body.request_uri}`);
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toMatch(
      new RegExp(`^${assent.configuration.publicUrl}/interaction/`),
    );
    const cookies = response.headers.getSetCookie();
    expect(cookies.some((cookie) => /path=\/oidc\/auth\//.test(cookie))).toBe(true);
    for (const cookie of cookies) expect(cookie).toMatch(/^__(Host|Secure)-.*secure; httponly/i);
  });

  test.each([
    [
      'another client',
      () => ({ request: unsigned('identity-signed'), client_id: 'identity-signed' }),
      'identity-signed',
    ],
    [
      'another audience',
      () => ({ request: unsigned('identity', 'https://other.example'), client_id: 'identity' }),
      'identity',
    ],
    [
      'the past',
      () => ({ request: unsigned('identity', assent.issuer, '-1m'), client_id: 'identity' }),
      'identity',
    ],
  ])('refuses an unsigned request object for %s', async (_name, form, client) => {
    const { status, body } = await post('/oidc/request', form(), basic(client));
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request_object' });
  });

  test('refuses an unsigned request object by value, also of a registered client', async () => {
    const query = new URLSearchParams({
      client_id: 'identity',
      scope: 'openid',
      response_type: 'code',
      request: unsigned('identity'),
    });
    const response = await assent.fetch(`/oidc/auth?${query}`, {
      headers: { accept: 'text/html' },
    });
    expect(response.headers.get('location') ?? (await response.text())).toContain(
      'invalid_request_object',
    );
  });

  test('accepts a signed request object by value, as release 5 sends it', async () => {
    const now = Math.floor(Date.now() / 1000);
    const object = await keys.sign({
      iss: 'identity',
      aud: assent.issuer,
      client_id: 'identity',
      iat: now,
      exp: now + 300,
      max_age: 86_400,
      ...request,
    });
    const query = new URLSearchParams({
      client_id: 'identity',
      ...request,
      claims: '',
      request: object,
    });
    query.delete('claims');
    const response = await assent.fetch(`/oidc/auth?${query}`);
    expect(response.headers.get('location')).toContain('/interaction/');
  });

  test('does not complete a bare request_uri for a FAPI client', async () => {
    const push = {
      ...(await keys.assertion('fapi', assent.issuer)),
      ...challenge,
      scope: 'openid id:all',
      response_type: 'code',
      redirect_uri: redirectUri,
    };
    const { body } = await post('/oidc/request', push);
    const response = await assent.fetch(`/oidc/auth?request_uri=${body.request_uri}`);
    expect(response.status).toBe(400);
  });

  test.each([
    ['two banks', 'openid id:one id:two'],
    ['no bank', 'openid accounts:read'],
    ['reauth with data', 'openid reauth accounts:read'],
    ['management', 'openid id:test user:create'],
    ['another list than registered', 'openid id:all'],
  ])('refuses %s', async (_name, scope) => {
    const { status, body } = await post(
      '/oidc/request',
      { ...request, client_id: 'identity-signed', claims: JSON.stringify(claims), scope },
      basic('identity-signed'),
    );
    expect({ status, ...body }).toMatchObject({ status: 400, error: 'invalid_scope' });
  });
});

describe('FAPI 2.0 clients', () => {
  test('must push their requests (SEC-09)', async () => {
    const query = new URLSearchParams({
      client_id: 'fapi',
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid id:test',
      ...challenge,
    });
    const response = await assent.fetch(`/oidc/auth?${query}`);
    const location = new URL(response.headers.get('location') ?? '');
    expect(location.origin).toBe('https://tpp.example');
    expect(location.searchParams.get('error')).toBe('invalid_request');
    expect(location.searchParams.get('iss')).toBe(assent.issuer);
  });

  test.each([
    ['no challenge', {}],
    ['plain', { ...challenge, code_challenge_method: 'plain' }],
  ])('must use PKCE S256: %s is refused (SEC-03)', async (_name, pkce) => {
    const { status } = await post('/oidc/request', {
      ...(await keys.assertion('fapi', assent.issuer)),
      ...pkce,
      scope: 'openid id:all',
      response_type: 'code',
      redirect_uri: redirectUri,
    });
    expect(status).toBe(400);
  });

  test.each([
    ['without a sender constraint', { dpop_bound_access_tokens: false }],
    ['with a secret', { token_endpoint_auth_method: 'client_secret_basic', client_secret: secret }],
    [
      'with the hybrid flow',
      { response_types: ['code id_token'], grant_types: ['authorization_code', 'implicit'] },
    ],
    ['with a plain http redirect', { redirect_uris: ['http://localhost/callback'] }],
    ['with RS256', { id_token_signed_response_alg: 'RS256' }],
    ['with credentials in a redirect', { redirect_uris: ['https://user@tpp.example/'] }],
  ])('are not registered %s', async (_name, metadata) => {
    const client = {
      client_id: 'new',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'private_key_jwt' as const,
      dpop_bound_access_tokens: true,
      jwks: keys.jwks,
    };
    await expect(assent.provider.Client.validate({ ...client })).resolves.toBeUndefined();
    await expect(
      assent.provider.Client.validate({ ...client, ...metadata } as never),
    ).rejects.toMatchObject({
      error: expect.stringMatching(/^invalid_(client_metadata|redirect_uri)$/),
    });
  });
});

describe('what belongs to another client', () => {
  const plain = { scope: 'openid id:test', response_type: 'code', redirect_uri: redirectUri };

  test('a request_uri works only for the client that pushed it (SEC-06)', async () => {
    const { body } = await post(
      '/oidc/request',
      { ...plain, client_id: 'identity-signed' },
      basic('identity-signed'),
    );
    const query = new URLSearchParams({ client_id: 'identity', request_uri: body.request_uri });
    const response = await assent.fetch(`/oidc/auth?${query}`);
    expect(response.headers.get('location') ?? '').not.toContain('/interaction/');
  });

  test('parameters beside the pushed ones change nothing (SEC-08)', async () => {
    const { body } = await post(
      '/oidc/request',
      { ...plain, client_id: 'identity-signed', state: 'pushed' },
      basic('identity-signed'),
    );
    const query = new URLSearchParams({
      client_id: 'identity-signed',
      request_uri: body.request_uri,
      redirect_uri: 'https://evil.example/',
      scope: 'openid id:all',
      state: 'added',
    });
    const response = await assent.fetch(`/oidc/auth?${query}`);
    const uid = response.headers.get('location')?.split('/').at(-1) ?? '';
    const interaction = await assent.provider.Interaction.find(uid);
    expect(interaction?.params).toMatchObject({
      redirect_uri: redirectUri,
      scope: 'openid id:test',
      state: 'pushed',
    });
  });

  test('a code or refresh token of another client is refused and stays good (SEC-02)', async () => {
    const accountId = 'b'.repeat(24);
    const owner = await assent.provider.Client.find('identity');
    if (!owner) throw new TypeError('no client');
    const grant = new assent.provider.Grant({ accountId, clientId: 'identity' });
    const resource = `${assent.configuration.publicUrl}/`;
    grant.addOIDCScope('openid offline_access');
    grant.addResourceScope(resource, 'accounts:read');
    const code = await new assent.provider.AuthorizationCode({
      accountId,
      client: owner,
      grantId: await grant.save(),
      gty: 'authorization_code',
      redirectUri,
      resource,
      scope: 'openid offline_access accounts:read',
    }).save();
    const redemption = { grant_type: 'authorization_code', code, redirect_uri: redirectUri };
    const stolen = await post('/oidc/token', redemption, basic('identity-signed'));
    expect(stolen.body.error).toBe('invalid_grant');
    const own = await post('/oidc/token', redemption, basic('identity'));
    expect(own.status).toBe(200);

    const refresh = { grant_type: 'refresh_token', refresh_token: own.body.refresh_token };
    const taken = await post('/oidc/token', refresh, basic('identity-signed'));
    expect(taken.body.error).toBe('invalid_grant');
    const kept = await post('/oidc/token', refresh, basic('identity'));
    expect(kept.body).toMatchObject({ refresh_token: own.body.refresh_token });
    const seen = await post(
      '/oidc/token/introspection',
      { token: own.body.access_token },
      basic('identity-signed'),
    );
    expect(seen.body).toEqual({ active: false });
  });
});

describe('bad input', () => {
  test.each([
    ['malformed JWT', { request: 'not.a.jwt' }],
    ['1 MB of scope', { scope: 'a'.repeat(1_000_000) }],
    ['1 MB after a good request', { scope: 'openid id:test', more: 'a'.repeat(1_000_000) }],
    ['broken claims', { scope: 'openid id:test', claims: '{' }],
    ['claims that are no objects', { scope: 'openid id:test', claims: '{"id_token":{"sub":7}}' }],
  ])('answers %s with a standard error', async (_name, form) => {
    const { status, body } = await post(
      '/oidc/request',
      { response_type: 'code', redirect_uri: redirectUri, ...form },
      basic('identity'),
    );
    expect(status).toBe(400);
    expect(body.error).toMatch(/^invalid_/);
  });

  test.each([
    '/oidc/token',
    '/oidc/token/introspection',
    '/oidc/token/revocation',
    '/oidc/request',
  ])('answers 1 MB of unannounced length at %s', async (path) => {
    const megabyte = Array.from({ length: 64 }, () => Buffer.alloc(16 * 1024, 'x'));
    const response = await assent.fetch(path, {
      method: 'POST',
      body: Readable.toWeb(Readable.from(megabyte)) as never,
      duplex: 'half',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...basic('identity') },
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });

  test('answers a parameter given twice with a standard error', async () => {
    const response = await assent.fetch('/oidc/token', {
      method: 'POST',
      body: 'grant_type=client_credentials&scope=user%3Aread&scope=user%3Acreate',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...basic('identity') },
    });
    expect(response.status).toBe(400);
    expect(response.headers.get('x-fapi-interaction-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('tells a browser in one sentence, under a strict policy', async () => {
    const response = await assent.fetch('/oidc/auth?client_id=nobody', {
      headers: { accept: 'text/html' },
    });
    expect(response.status).toBe(400);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await response.text()).toContain('<h1');
  });
});

test('the tokens it issues are opaque', async () => {
  const { body } = await post(
    '/oidc/token',
    { grant_type: 'client_credentials', scope: 'user:read' },
    basic('identity'),
  );
  expect(() => decodeJwt(body.access_token)).toThrow();
  expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 7200, scope: 'user:read' });
});
