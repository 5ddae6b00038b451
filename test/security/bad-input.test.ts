import { hash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CompactSign, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type { SandboxClientName } from '../../sandbox/tpp-document.js';
import { startVisits, type Visits } from './support/visits.js';

let directory: string;
let visits: Visits;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-bad-input-'));
  visits = await startVisits(directory);
});
afterAll(async () => {
  await visits?.stop();
  await rm(directory, { recursive: true, force: true });
});

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const encode = (text: string) => Buffer.from(text).toString('base64url');
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

/** Signs JSON as it stands with a client's own key; `header` replaces or extends the usual one. */
async function signAs(name: SandboxClientName, json: string, header: object = {}): Promise<string> {
  const [jwk] = visits.client(name).jwks.keys;
  if (!jwk?.alg || !jwk.kid) throw new TypeError(`${name} has a key`);
  const signing = new CompactSign(Buffer.from(json));
  signing.setProtectedHeader({ alg: jwk.alg, kid: jwk.kid, ...header });
  return signing.sign(await importJWK(jwk, jwk.alg));
}

/** JSON of `members`, with one more that is written as it stands. */
function withMember(members: object, name: string, json: string): string {
  return `${JSON.stringify(members).slice(0, -1)},${JSON.stringify(name)}:${json}}`;
}

/** As deep as the bound on bodies lets through, once it is percent-encoded. */
const bombs = {
  arrays: `${'['.repeat(7000)}${']'.repeat(7000)}`,
  objects: `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`,
} as const;

describe.each(Object.entries(bombs))(
  'JSON of thousands of %s is refused (SEC-39)',
  (_what, bomb) => {
    const tooDeep = (name: string) => ({
      status: 400,
      body: { error: 'invalid_request', error_description: `${name} is nested too deeply` },
    });

    test('as the claims parameter', async () => {
      const claims = `{"id_token":{"mh:consent":{"value":{"permissions":${bomb}}}}}`;
      expect(await visits.push({ claims })).toMatchObject(tooDeep('claims'));
    });

    test.each(['claims', 'state', 'client_id', 'of_no_meaning'])(
      'as %s of a request object, unsigned, signed, and through the browser',
      async (member) => {
        const { client_id } = visits.client('identity-service');
        const { [member]: _replaced, ...members }: Record<string, unknown> = {
          iss: client_id,
          client_id,
          aud: visits.tpp.issuer,
          exp: inSeconds(200),
          response_type: 'code',
          redirect_uri: visits.redirectUri,
          scope: 'openid id:test',
        };
        const json = withMember(members, member, bomb);
        const signed = await signAs('identity-service', json);
        for (const request of [`${encode('{"alg":"none"}')}.${encode(json)}.`, signed]) {
          expect(await visits.post('/oidc/request', { client_id, request })).toMatchObject(
            tooDeep('request'),
          );
        }
        const form = { client_id, response_type: 'code', scope: 'openid', request: signed };
        const answer = await visits.fetch(`${visits.urls.assent}/oidc/auth`, {
          method: 'POST',
          body: new URLSearchParams(form),
        });
        expect({ status: answer.status, location: answer.headers.get('location') }).toEqual({
          status: 400,
          location: null,
        });
      },
    );

    test.each(['aud', 'sub', 'of_no_meaning'])('as %s of a client assertion', async (member) => {
      const name = 'fapi2-security-dpop';
      const { client_id } = visits.client(name);
      const members = { iss: client_id, jti: randomUUID(), exp: inSeconds(60), iat: inSeconds(0) };
      const assertion = await signAs(name, withMember(members, member, bomb));
      const form = {
        grant_type: 'client_credentials',
        client_id,
        client_assertion_type: assertionType,
        client_assertion: assertion,
      };
      expect(await visits.post('/oidc/token', form, {})).toMatchObject(tooDeep('client_assertion'));
    });
  },
);

describe('what a client signs has no member that nothing can be made of (SEC-39)', () => {
  /** JSON may name `toString`, and then there is no text of it. */
  const mute = { toString: 1, valueOf: 1 };
  const malformed = (name: string) => ({
    status: 400,
    body: { error: 'invalid_request', error_description: `${name} has a malformed member` },
  });
  const name = 'identity-service';

  function sign(claims: object, header?: object) {
    const { client_id } = visits.client(name);
    const members = {
      ...{ iss: client_id, sub: client_id, client_id, aud: visits.tpp.issuer },
      ...{ jti: randomUUID(), iat: inSeconds(0), exp: inSeconds(60), ...claims },
    };
    return signAs(name, JSON.stringify(members), header);
  }

  test.each<[string, object, object]>([
    ['typ', {}, { typ: mute }],
    ['typ in a list', {}, { typ: [['jwt']] }],
    ['kid', {}, { kid: 1 }],
    ['state', { state: mute }, {}],
    ['scope in a list', { scope: ['openid', [mute]] }, {}],
    ['registration', { registration: mute }, {}],
    ['response_type', { response_type: '' }, {}],
  ])('%s of a request object', async (_what, claims, header) => {
    const { client_id } = visits.client(name);
    const request = await sign(
      {
        response_type: 'code',
        redirect_uri: visits.redirectUri,
        scope: 'openid id:test',
        ...claims,
      },
      header,
    );
    expect(await visits.post('/oidc/request', { client_id, request })).toMatchObject(
      malformed('request'),
    );
    const query = new URLSearchParams({ client_id, request });
    const answer = await visits.fetch(`${visits.urls.assent}/oidc/auth?${query}`);
    expect(answer.status).toBe(400);
  });

  test.each<[string, object, object]>([
    ['typ', {}, { typ: mute }],
    ['sub', { sub: mute }, {}],
  ])('%s of an assertion', async (_what, claims, header) => {
    const assertion = await sign(claims, header);
    for (const form of [
      { client_assertion_type: assertionType, client_assertion: assertion },
      { assertion },
    ]) {
      const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
      const answer = await visits.post('/oidc/token', { grant_type, ...form }, {});
      expect(answer).toMatchObject(
        malformed('assertion' in form ? 'assertion' : 'client_assertion'),
      );
    }
  });
});

test('a form in another encoding than UTF-8 is refused (SEC-39)', async () => {
  for (const charset of ['utf-7', 'utf-16le', 'iso-8859-1', 'bogus']) {
    const type = `application/x-www-form-urlencoded; charset=${charset}`;
    const headers = { ...visits.authorization, 'content-type': type };
    for (const path of ['/oidc/request', '/oidc/token', '/oidc/token/revocation']) {
      expect(await visits.post(path, { token: 'x' }, headers)).toMatchObject({
        status: 400,
        body: { error: 'invalid_request', error_description: 'the request body must be UTF-8' },
      });
    }
  }
  const headers = {
    ...visits.authorization,
    'content-type': 'application/x-www-form-urlencoded; charset="UTF-8"',
  };
  expect((await visits.push({}, headers)).status).toBe(201);
});

test('an endpoint answers under its exact path only (SEC-55)', async () => {
  const { client_id } = visits.client('identity-service');
  for (const path of [
    '/oidc/request/',
    '/oidc/REQUEST',
    '/oidc/requesT',
    '/oidc/%72equest',
    '/oidc//request',
    '//oidc/request',
    '/OIDC/request',
    '/oidc/token/',
    '/oidc/TOKEN',
  ]) {
    const answer = await visits.fetch(`${visits.urls.assent}${path}`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'user:read' }),
      headers: visits.authorization,
    });
    expect({ path, status: answer.status }).toEqual({ path, status: 404 });
  }
  for (const path of ['/oidc/auth/', '/oidc/AUTH', '/oidc/Auth']) {
    const answer = await visits.fetch(`${visits.urls.assent}${path}?client_id=${client_id}`);
    expect({ path, status: answer.status }).toEqual({ path, status: 404 });
  }
});

describe('a redirect_uri other than the registered one, to the letter', () => {
  const changes: readonly ((good: string) => string)[] = [
    (good) => `${good}/`,
    (good) => `${good}?x`,
    (good) => `${good}#`,
    (good) => `${good}/../elsewhere`,
    (good) => `${good}/..;/`,
    (good) => `${good}%00`,
    (good) => `${good} `,
    (good) => good.replace('https://', 'https://a@'),
    (good) => good.replace('localhost', 'localhost@elsewhere.example'),
    (good) => good.replace('localhost', '127.0.0.1'),
    (good) => good.replace('localhost', 'LOCALHOST'),
    (good) => good.replace('localhost', 'localhost.'),
    (good) => good.replace(/:\d+/, ':1'),
    (good) => good.replace('/callback', '%2fcallback'),
    (good) => good.replace('/callback', '/Callback'),
    (good) => good.replace('/callback', '\\callback'),
    (good) => good.replace('https', 'http'),
    () => 'javascript:alert(1)',
    () => 'data:text/html,x',
    () => 'https://*',
    () => '//elsewhere.example',
  ];

  test('is refused, and never gone to (SEC-16)', async () => {
    const { client_id } = visits.client('identity-service');
    for (const change of changes) {
      const redirectUri = change(visits.redirectUri);
      const request = { client_id, response_type: 'code', scope: 'openid id:test' };
      const query = new URLSearchParams({ ...request, redirect_uri: redirectUri });
      const pushed = await visits.push({ redirect_uri: redirectUri });
      const sent = await visits.fetch(`${visits.urls.assent}/oidc/auth?${query}`);
      const location = sent.headers.get('location');
      expect([redirectUri, pushed.status, sent.status, location]).toEqual([
        redirectUri,
        400,
        400,
        null,
      ]);
    }
  });
});

test('a pushed request names no further request (SEC-08, SEC-45)', async () => {
  for (const request_uri of [
    'https://elsewhere.example/x',
    'http://169.254.169.254/',
    'urn:ietf:params:oauth:request_uri:x',
  ]) {
    const { status, body } = await visits.push({ request_uri });
    expect([status, typeof body.error]).toEqual([400, 'string']);
    const { client_id } = visits.client('identity-service');
    const object = { iss: client_id, client_id, aud: visits.tpp.issuer, request_uri };
    const json = JSON.stringify({ ...object, exp: inSeconds(60), response_type: 'code' });
    const request = `${encode('{"alg":"none"}')}.${encode(json)}.`;
    expect((await visits.post('/oidc/request', { client_id, request })).status).toBe(400);
  }
});

describe('a DPoP proof with a key that is none', () => {
  const name = 'fapi2-security-dpop';
  let keys: CryptoKeyPair;
  let publicJwk: JWK;
  let accessToken: string;
  const users = () => `${visits.urls.assent}/users`;
  const tokenEndpoint = () => `${visits.tpp.issuer}/token`;

  async function prove(htm: string, htu: string, more: object = {}): Promise<string> {
    return new SignJWT({ jti: randomUUID(), htm, htu, iat: inSeconds(0), ...more })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: publicJwk })
      .sign(keys.privateKey);
  }

  async function askForToken(dpop: string) {
    const { client_id } = visits.client(name);
    const claims = { iss: client_id, sub: client_id, aud: visits.tpp.issuer, jti: randomUUID() };
    const times = { iat: inSeconds(0), exp: inSeconds(60) };
    const form = {
      grant_type: 'client_credentials',
      scope: 'user:read',
      client_id,
      client_assertion_type: assertionType,
      client_assertion: await signAs(name, JSON.stringify({ ...claims, ...times })),
    };
    return visits.post('/oidc/token', form, { dpop });
  }

  async function readUsers(dpop: string): Promise<number> {
    const headers = { authorization: `DPoP ${accessToken}`, dpop };
    return (await visits.fetch(users(), { headers })).status;
  }

  beforeAll(async () => {
    keys = await generateKeyPair('ES256', { extractable: true });
    publicJwk = await exportJWK(keys.publicKey);
    const { body } = await askForToken(await prove('POST', tokenEndpoint()));
    accessToken = String(body.access_token);
    const ath = hash('sha256', accessToken, 'base64url');
    expect(await readUsers(await prove('GET', users(), { ath }))).toBe(200);
  });

  const modulus = (bytes: number) => encode('\xff'.repeat(bytes));
  const es256 = { alg: 'ES256' };
  const ps256 = { alg: 'PS256' };

  test.each<[string, (own: JWK) => object]>([
    [
      'short coordinates',
      () => ({ ...es256, jwk: { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA' } }),
    ],
    [
      'a number for a coordinate',
      () => ({ ...es256, jwk: { kty: 'EC', crv: 'P-256', x: 1, y: 2 } }),
    ],
    ['a point off its curve', ({ x }) => ({ ...es256, jwk: { kty: 'EC', crv: 'P-256', x, y: x } })],
    ['another curve', (own) => ({ ...es256, jwk: { ...own, crv: 'P-384' } })],
    ['an unknown curve', (own) => ({ ...es256, jwk: { ...own, crv: 'P-999' } })],
    ['a symmetric key', () => ({ ...es256, jwk: { kty: 'oct', k: 'AAAA' } })],
    ['an unknown type', () => ({ ...es256, jwk: { kty: 'XX' } })],
    ['text', () => ({ ...es256, jwk: 'x' })],
    ['null', () => ({ ...es256, jwk: null })],
    ['an array', () => ({ ...es256, jwk: [] })],
    ['nothing', () => es256],
    ['a short modulus', () => ({ ...ps256, jwk: { kty: 'RSA', n: modulus(64), e: 'AQAB' } })],
    ['an empty modulus', () => ({ ...ps256, jwk: { kty: 'RSA', n: '', e: '' } })],
    ['exponent 1', () => ({ ...ps256, jwk: { kty: 'RSA', n: modulus(256), e: 'AQ' } })],
    [
      'a private member',
      () => ({ ...ps256, jwk: { kty: 'RSA', n: modulus(256), e: 'AQAB', d: 'AQ' } }),
    ],
    ['a short point', () => ({ alg: 'EdDSA', jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AA' } })],
    ['operations that are text', (own) => ({ ...es256, jwk: { ...own, key_ops: 'x' } })],
    ['an unknown critical header', (own) => ({ ...es256, jwk: own, crit: ['x'], x: 1 })],
    ['an unencoded payload', (own) => ({ ...es256, jwk: own, crit: ['b64'], b64: false })],
  ])(
    'is refused at the token endpoint and at the API: %s (SEC-28, SEC-33)',
    async (_what, header) => {
      const head = encode(JSON.stringify({ typ: 'dpop+jwt', ...header(publicJwk) }));
      const proof = (htm: string, htu: string, more: object = {}) =>
        `${head}.${encode(JSON.stringify({ jti: randomUUID(), htm, htu, iat: inSeconds(0), ...more }))}.AAAA`;

      const ath = hash('sha256', accessToken, 'base64url');
      expect(await readUsers(proof('GET', users(), { ath }))).toBe(401);
      expect(await askForToken(proof('POST', tokenEndpoint()))).toMatchObject({
        status: 400,
        body: { error: 'invalid_dpop_proof' },
      });
    },
  );

  test.each([
    ['a time beyond all numbers', { iat: 1e308 }],
    ['a time that is text', { iat: 'x' }],
    ['a time that cannot be text', { iat: { toString: 1, valueOf: 1 } }],
    ['an empty nonce', { nonce: '' }],
    ['an address that is a number', { htu: 1 }],
    ['an address that is none', { htu: 'http://[' }],
    ['an id that is an object', { jti: {} }],
  ])('and so is a signed one with %s', async (_what, change) => {
    const ath = hash('sha256', accessToken, 'base64url');
    expect(await readUsers(await prove('GET', users(), { ath, ...change }))).toBe(401);
    expect(await askForToken(await prove('POST', tokenEndpoint(), change))).toMatchObject({
      status: 400,
      body: { error: 'invalid_dpop_proof' },
    });
  });
});

test('text of every kind, in every parameter, is answered and never a fault of ours (SEC-39, SEC-50, SEC-57)', async () => {
  const texts = [
    '',
    '\0',
    '__proto__',
    'constructor',
    "' OR 1=1 --",
    '{"$ne":null}',
    'a\r\nSet-Cookie: x=y',
    '\u001b[31m',
    '\ud800',
    '😀'.repeat(100),
    'x'.repeat(40_000),
    'a.b.c.d.e',
    `${encode('null')}.${encode('null')}.`,
    `${encode('[]')}.${encode('[]')}.`,
    `urn:ietf:params:oauth:request_uri:${'a'.repeat(43)}`,
  ];
  const places = {
    '/oidc/request': [
      'client_id',
      'scope',
      'claims',
      'request',
      'max_age',
      'code_challenge',
      'nonce',
    ],
    '/oidc/token': [
      'grant_type',
      'code',
      'redirect_uri',
      'refresh_token',
      'scope',
      'sub',
      'client_assertion',
    ],
    '/oidc/token/revocation': ['token', 'token_type_hint'],
  } as const;
  const { client_id } = visits.client('identity-service');
  const faults: unknown[] = [];
  for (const [path, names] of Object.entries(places)) {
    for (const name of names) {
      for (const text of texts) {
        const form = {
          client_id,
          response_type: 'code',
          redirect_uri: visits.redirectUri,
          scope: 'openid id:test',
          grant_type: 'authorization_code',
          [name]: text,
        };
        const { status, headers } = await visits.fetch(`${visits.urls.assent}${path}`, {
          method: 'POST',
          body: new URLSearchParams(form),
          headers: visits.authorization,
        });
        if (status >= 500 || headers.get('set-cookie')?.startsWith('x=')) {
          faults.push([path, name, text.slice(0, 30), status]);
        }
      }
    }
  }
  expect(faults).toEqual([]);
});
