import { hash, randomUUID, X509Certificate } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import Koa from 'koa';
import request from 'supertest';
import { answerErrors } from '../../api/middleware/answer-errors.js';
import { authenticate } from '../../api/middleware/authenticate.js';
import { createLogger } from '../../create-logger.js';
import { AccessRefused } from '../../resource/guard.js';
import { issueAuthority } from '../../sandbox/issue-certificate.js';
import { mtlsOrigin, origin, startApi, type TestApi } from './support/start-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

const host = new URL(origin).host;

function users(headers: Record<string, string>) {
  return request(api.server)
    .get('/users')
    .set({ host, ...headers });
}

describe('a bearer token', () => {
  test('opens a resource, under any case of the scheme', async () => {
    const token = api.issue('user:read');
    expect((await users({ authorization: `Bearer ${token}` })).status).toBe(200);
    expect((await users({ authorization: `bEARER ${token}` })).status).toBe(200);
  });

  test.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['another scheme', 'Basic YTpi'],
    ['the name of a built-in member', 'constructor x'],
    ['a prototype', '__proto__ x'],
  ])('is asked for without an error code where there is %s', async (_what, authorization) => {
    const answer = await users(authorization === undefined ? {} : { authorization });
    expect(answer.status).toBe(401);
    expect(answer.body.code).toBe('Unauthorized');
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer, DPoP algs="[\w ]+"$/);
  });

  test.each([
    ['without a token', 'Bearer'],
    ['with two', 'Bearer a b'],
    ['with a quote', 'Bearer a"b'],
    ['with a comma', 'Bearer a, Bearer b'],
    ['that nobody issued', 'Bearer unknown'],
    ['of 8 KB', `Bearer ${'x'.repeat(8000)}`],
  ])('is refused %s', async (_what, authorization) => {
    const answer = await users({ authorization });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/);
  });

  test('is refused once it has expired', async () => {
    const token = api.issue('user:read', { expiresAt: new Date(api.clock.now()) });
    expect((await users({ authorization: `Bearer ${token}` })).status).toBe(401);
  });

  test('is not read from the query or the body', async () => {
    const token = api.issue('user:read user:create');
    const asked = request(api.server).get(`/users?access_token=${token}`);
    expect((await asked).status).toBe(401);
    const posted = request(api.server).post('/users').type('form').send({ access_token: token });
    expect((await posted).status).toBe(401);
  });
});

// RFC 8705 §3
describe('a certificate-bound token', () => {
  let bound: X509Certificate;
  let token: string;
  beforeAll(async () => {
    bound = await makeCertificate();
    api.certificates.set('bound', bound);
    api.certificates.set('another', await makeCertificate());
    const certificateThumbprint = hash('sha256', bound.raw, 'base64url');
    token = api.issue('user:read', { certificateThumbprint });
  });

  test('opens a resource over a connection with that certificate', async () => {
    const headers = { authorization: `Bearer ${token}`, 'x-test-certificate': 'bound' };
    expect((await users(headers)).status).toBe(200);
  });

  test.each(['another', 'none'])('is refused with %s certificate', async (certificate) => {
    const headers = { authorization: `Bearer ${token}`, 'x-test-certificate': certificate };
    const answer = await users(headers);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('invalid_token');
  });
});

// RFC 9449 §4.3 and §7
describe('a DPoP-bound token', () => {
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;
  let jwk: JWK;
  let token: string;
  beforeAll(async () => {
    keys = await generateKeyPair('ES256', { extractable: true });
    jwk = await exportJWK(keys.publicKey);
    token = api.issue('user:read', { keyThumbprint: await calculateJwkThumbprint(jwk) });
  });

  async function prove(
    claims: Record<string, unknown> = {},
    { key = keys.privateKey, ...header }: Record<string, unknown> & { key?: CryptoKey } = {},
  ) {
    const iat = Math.floor(api.clock.now() / 1000);
    const ath = hash('sha256', token, 'base64url');
    const htu = `${origin}/users`;
    return new SignJWT({ jti: randomUUID(), htm: 'GET', htu, iat, ath, ...claims })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk, ...header })
      .sign(key);
  }

  const withProof = (dpop: string, path = '/users') =>
    request(api.server)
      .get(path)
      .set({ host, authorization: `DPoP ${token}`, dpop });

  test('opens a resource with a proof of its key', async () => {
    expect((await withProof(await prove())).status).toBe(200);
  });

  test.each([
    ['another letter case and default port', { htu: 'HTTPS://ID.EXAMPLE.COM:443/users' }, '/users'],
    ['query and fragment', { htu: `${origin}/users?a=b#c` }, '/users?limit=1'],
    ['a clock 50 seconds ahead', { iat: Math.floor(Date.now() / 1000) + 50 }, '/users'],
  ])('accepts a proof with %s', async (_what, claims, path) => {
    expect((await withProof(await prove(claims), path)).status).toBe(200);
  });

  test('is opened under the other public name too, each by proofs of its own', async () => {
    const other = { host: new URL(mtlsOrigin).host };
    const proof = await prove({ htu: `${mtlsOrigin}/users` });
    expect((await withProof(proof).set(other)).status).toBe(200);
    expect((await withProof(await prove()).set(other)).status).toBe(401);
  });

  test.each([
    ['htm', { htm: 'POST' }],
    ['htu of another path', { htu: `${origin}/users/` }],
    ['htu of another host', { htu: 'https://evil.example.com/users' }],
    ['htu with credentials', { htu: 'https://me@id.example.com/users' }],
    ['htu that is no URL', { htu: '/users' }],
    ['ath of another token', { ath: hash('sha256', 'other', 'base64url') }],
    ['no ath', { ath: undefined }],
    ['no jti', { jti: undefined }],
    ['an empty jti', { jti: '' }],
    ['no iat', { iat: undefined }],
    ['an iat of text', { iat: 'now' }],
    ['an old iat', { iat: Math.floor(Date.now() / 1000) - 120 }],
    ['an iat far ahead', { iat: Math.floor(Date.now() / 1000) + 120 }],
    ['an exp that is over', { exp: Math.floor(Date.now() / 1000) - 120 }],
  ])('refuses a proof with %s (SEC-28)', async (_what, claims) => {
    const answer = await withProof(await prove(claims));
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^DPoP error="invalid_dpop_proof"/);
    expect(answer.headers['www-authenticate']).toContain('algs="ES256 PS256');
  });

  test('refuses a proof of another kind, key or algorithm (SEC-28)', async () => {
    const other = await generateKeyPair('ES256', { extractable: true });
    const rsa = await generateKeyPair('RS256', { extractable: true });
    const privateJwk = await exportJWK(keys.privateKey);
    const unsigned = `${Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: 'none', jwk })).toString('base64url')}.e30.`;
    const proofs = [
      await prove({}, { typ: 'JWT' }),
      await prove({}, { typ: undefined }),
      await prove({}, { jwk: undefined }),
      await prove({}, { jwk: privateJwk }),
      await prove({}, { key: other.privateKey }),
      await prove({}, { key: rsa.privateKey, alg: 'RS256', jwk: await exportJWK(rsa.publicKey) }),
      await prove({}, { jwk: { kty: 'oct', k: 'AAAA' } }),
      unsigned,
      'x.y.z',
      `${await prove()}, ${await prove()}`,
      '',
    ];
    for (const proof of proofs) expect((await withProof(proof)).status).toBe(401);
    const another = await prove(
      {},
      { key: other.privateKey, jwk: await exportJWK(other.publicKey) },
    );
    const answer = await withProof(another);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toContain('invalid_token');
  });

  test('accepts a proof once, also of 20 uses at the same time', async () => {
    const proof = await prove();
    const answers = await Promise.all(Array.from({ length: 20 }, () => withProof(proof)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    api.clock.advance(50);
    expect((await withProof(proof)).status).toBe(401);
    api.clock.advance(-50);
  });

  test("one key's jti does not use up another's", async () => {
    const other = await generateKeyPair('ES256', { extractable: true });
    const jti = randomUUID();
    const theirs = { key: other.privateKey, jwk: await exportJWK(other.publicKey) };
    expect((await withProof(await prove({ jti }, theirs))).status).toBe(401);
    expect((await withProof(await prove({ jti }))).status).toBe(200);
  });

  test('is refused as a bearer token, and a bearer token as a DPoP token', async () => {
    const asBearer = await users({ authorization: `Bearer ${token}`, dpop: await prove() });
    expect(asBearer.status).toBe(401);
    expect(asBearer.headers['www-authenticate']).toMatch(/^DPoP error="invalid_token"/);
    const bearer = api.issue('user:read');
    const asDpop = await users({
      authorization: `DPoP ${bearer}`,
      dpop: await prove({ ath: hash('sha256', bearer, 'base64url') }),
    });
    expect(asDpop.status).toBe(401);
  });
});

async function makeCertificate(): Promise<X509Certificate> {
  const notAfter = new Date(Date.now() + 86_400_000);
  const { certificate } = await issueAuthority('CN=app', { notBefore: new Date(), notAfter });
  return new X509Certificate(certificate);
}

test.each([
  [400, 'BadRequest'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [503, 'ServiceUnavailable'],
] as const)('a reader of tokens that refuses with %d is answered so', async (status, code) => {
  const { storage, clock } = api;
  const check = authenticate({
    tokens: { read: () => Promise.reject(new AccessRefused(status, 'It is refused', [])) },
    ...{ storage, clock, origins: [origin], readCertificate: () => undefined },
  });
  const application = new Koa().use(answerErrors(createLogger('silent'))).use(check);
  const answer = await request(application.callback())
    .get('/')
    .set({ host, authorization: 'Bearer a-token' });
  expect(answer).toMatchObject({ status, body: { code, message: 'It is refused' } });
});
