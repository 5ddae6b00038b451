import { hash, randomUUID, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decodeJwt, SignJWT } from 'jose';
import type { Response } from 'undici';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { seedCode, seededRedirectUri, seededUserId } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const day = 86_400;
const secret = 'a-secret-of-the-test-that-is-long-enough';
const clock = createMovingClock();

let assent: RunningAssent;
let keys: ClientKeys;

beforeAll(async () => {
  keys = await createClientKeys();
  const clients = [
    {
      client_id: 'identity',
      client_secret: secret,
      profile: 'identity-service',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'client_credentials'],
      redirect_uris: [seededRedirectUri],
    },
    {
      client_id: 'fapi',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      dpop_bound_access_tokens: true,
      jwks: keys.jwks,
    },
    {
      client_id: 'bound',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      tls_client_certificate_bound_access_tokens: true,
      jwks: keys.jwks,
    },
  ];
  assent = await startAssent({ clients }, { clock });
  // The real time is months behind.
  clock.advance(120 * day);
});

afterAll(() => assent.stop());

const seconds = () => Math.floor(clock.now() / 1000);
const basic = {
  authorization: `Basic ${Buffer.from(`identity:${secret}`).toString('base64')}`,
};
const clientCredentials = { grant_type: 'client_credentials', scope: 'user:read' };

async function post(
  path: string,
  form: Record<string, string>,
  headers: Record<string, string> = basic,
  send = assent.fetch,
) {
  const response = await send(path, { method: 'POST', body: new URLSearchParams(form), headers });
  return { status: response.status, body: await read(response) };
}

async function read(response: Response): Promise<Record<string, string | boolean>> {
  const text = await response.text();
  return text.startsWith('{') ? JSON.parse(text) : { text };
}

function assertion(clientId: string, iat = seconds()) {
  return keys.assertion(clientId, assent.issuer, { iat, exp: iat + 60 });
}

function proof(url: string, iat = seconds(), method = 'POST', token?: string) {
  const claims = {
    jti: randomUUID(),
    htm: method,
    htu: new URL(url, assent.configuration.publicUrl).href,
    iat,
    ...(token && { ath: hash('sha256', token, 'base64url') }),
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: keys.publicJwk })
    .sign(keys.privateKey);
}

test('an access token ends when the clock says so', async () => {
  const { body } = await post('/oidc/token', clientCredentials);
  const token = String(body.access_token);
  const introspect = () => post('/oidc/token/introspection', { token });
  expect((await introspect()).body).toMatchObject({ active: true, iat: seconds() });
  clock.advance(7199);
  expect((await introspect()).body).toMatchObject({ active: true });
  const call = () => assent.fetch('/users', { headers: { authorization: `Bearer ${token}` } });
  expect((await call()).status).toBe(200);
  clock.advance(1);
  expect((await introspect()).body).toEqual({ active: false });
  expect((await call()).status).toBe(401);
});

test('a code ends after ten minutes, and an ID token says what the time is', async () => {
  const makeCode = () => seedCode(assent, { clientId: 'identity', seconds: day }, clock);
  const redeem = (code: string) =>
    post('/oidc/token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: seededRedirectUri,
    });

  const [{ code }, late] = [await makeCode(), await makeCode()];
  clock.advance(590);
  const { body } = await redeem(code);
  expect(decodeJwt(String(body.id_token))).toMatchObject({
    sub: seededUserId,
    iat: seconds(),
    exp: seconds() + 3600,
  });
  clock.advance(30);
  expect(await redeem(late.code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

test('a pushed request and the visit that began with it end when the clock says so', async () => {
  const [client_id, response_type] = ['identity', 'code'];
  const push = async () => {
    const form = {
      client_id,
      scope: 'openid id:all',
      response_type,
      redirect_uri: seededRedirectUri,
    };
    const { body } = await post('/oidc/request', form);
    const query = new URLSearchParams({ client_id, request_uri: String(body.request_uri) });
    return () => assent.fetch(`/oidc/auth?${query}`, { headers: { accept: 'text/html' } });
  };
  const late = await push();
  clock.advance(61);
  // What was pushed is gone, and with it where to send the person back to.
  const refused = await late();
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain('invalid_request_uri');

  const begun = await (await push())();
  const visit = begun.headers.get('location') ?? '';
  const cookie = begun.headers.getSetCookie().map((text) => text.split(';')[0]);
  const look = () =>
    assent.fetch(visit, { headers: { accept: 'text/html', cookie: cookie.join('; ') } });
  expect((await look()).status).toBe(200);
  clock.advance(3601);
  expect((await look()).status).toBe(400);
});

test('client assertions and DPoP proofs are of the time of the clock', async () => {
  const real = Math.floor(Date.now() / 1000);
  const ask = async (assertedAt: number, provenAt: number) =>
    post(
      '/oidc/token',
      { ...clientCredentials, ...(await assertion('fapi', assertedAt)) },
      { dpop: await proof('/oidc/token', provenAt) },
    );
  expect((await ask(real, seconds())).body).toMatchObject({ error: 'invalid_client' });
  expect((await ask(seconds(), real)).body).toMatchObject({ error: 'invalid_dpop_proof' });
  const { body } = await ask(seconds(), seconds());
  const token = String(body.access_token);
  const call = async (iat: number) =>
    assent.fetch('/users', {
      headers: { authorization: `DPoP ${token}`, dpop: await proof('/users', iat, 'GET', token) },
    });
  expect((await call(seconds())).status).toBe(200);
  expect((await call(real)).status).toBe(401);
});

test('a certificate past its end proves nothing, and no token is bound to it', async () => {
  const certificate = await assent.authority.client('bound');
  const send = assent.fetcher(certificate);
  const url = `${assent.configuration.mtlsUrl}/oidc/token`;
  const ask = async () =>
    post(url, { ...clientCredentials, ...(await assertion('bound')) }, {}, send);
  const { body } = await ask();
  const call = () =>
    send(`${assent.configuration.mtlsUrl}/users`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    });
  expect((await call()).status).toBe(200);
  const { validToDate } = new X509Certificate(await readFile(certificate.certificate));
  clock.advance((+validToDate - clock.now()) / 1000 + 1);
  expect(await ask()).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});
