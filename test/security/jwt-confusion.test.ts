import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CompactEncrypt,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
} from 'jose';
import { systemClock } from '../../core/clock.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import {
  openClient,
  redirectUri,
  registration,
  sharing,
} from '../open-banking/support/open-client.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

/* SEC-33 and SEC-35: a token that is signed another way, or is another kind of token. */

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

let bank: RunningAssent;
let rsa: Keys;
let publicJwk: JWK;
let hybrid: Awaited<ReturnType<typeof openClient>>;

beforeAll(async () => {
  rsa = await generateKeyPair('PS256', { extractable: true });
  // Without `alg`, so that only the rules of the profile say what it may sign with.
  publicJwk = { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', use: 'sig' };
  bank = await startAssent(
    {
      role: 'bank',
      clients: [
        registration('app', {
          scope: 'openid accounts',
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [publicJwk] },
        }),
        registration('by-certificate', { scope: 'openid accounts' }),
      ],
    },
    { ledger: createDemoLedger({ clock: systemClock }) },
  );
  hybrid = await openClient(bank, 'by-certificate');
});

afterAll(() => bank?.stop());

const now = () => Math.floor(Date.now() / 1000);

const assertionClaims = () => ({
  ...{ iss: 'app', sub: 'app', aud: bank.issuer, jti: randomUUID() },
  ...{ iat: now(), nbf: now(), exp: now() + 60 },
});

const requestClaims = () => ({
  ...{ iss: 'app', aud: bank.issuer, jti: randomUUID(), iat: now(), nbf: now(), exp: now() + 60 },
  ...{
    client_id: 'app',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid accounts',
  },
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256',
});

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function sign(claims: object, header: object = {}, key = rsa.privateKey): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'PS256', kid: 'rsa', ...header })
    .sign(key);
}

async function post(path: string, form: Record<string, string>) {
  const send = bank.fetcher(await bank.authority.client('app'));
  const response = await send(`${bank.configuration.mtlsUrl}/oidc${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ client_id: 'app', ...form }).toString(),
  });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, error: body.error };
}

const byAssertion = (client_assertion: string) => ({
  client_assertion,
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
});

const askForToken = (assertion: string) =>
  post('/token', { grant_type: 'client_credentials', ...byAssertion(assertion) });

const push = async (request: string) =>
  post('/request', { request, ...byAssertion(await sign(assertionClaims())) });

/** Forged and confused forms of a token with these claims. */
async function forge(claims: () => object): Promise<Record<string, string>> {
  const spki = await exportSPKI(rsa.publicKey);
  const other = await generateKeyPair('ES256', { extractable: true });
  const p384 = await generateKeyPair('ES384', { extractable: true });
  const pkcs1 = await importJWK({ ...(await exportJWK(rsa.privateKey)), alg: 'RS256' }, 'RS256');
  if (pkcs1 instanceof Uint8Array) throw new TypeError('no key');
  const hmac = (secret: string) => {
    const input = `${encode({ alg: 'HS256', kid: 'rsa' })}.${encode(claims())}`;
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  };
  const good = await sign(claims());
  const [, payload = '', signature = ''] = good.split('.');
  const withHeader = (header: object) => `${encode(header)}.${payload}.${signature}`;
  return {
    'HS256 with the public key as the secret': hmac(spki),
    'HS256 with the JWK as the secret': hmac(JSON.stringify(publicJwk)),
    'no signature': `${encode({ alg: 'none' })}.${encode(claims())}.`,
    'no signature, in other letters': `${encode({ alg: 'nOnE' })}.${encode(claims())}.`,
    'no algorithm': withHeader({ kid: 'rsa' }),
    'RS256 with the same key': await sign(claims(), { alg: 'RS256' }, pkcs1),
    'an algorithm that says other than it is': withHeader({ alg: 'RS256', kid: 'rsa' }),
    'another curve': await sign(claims(), { alg: 'ES384' }, p384.privateKey),
    'a key of the sender’s, in the header': await sign(
      claims(),
      { alg: 'ES256', jwk: await exportJWK(other.publicKey), kid: undefined },
      other.privateKey,
    ),
    'b64 false': await new SignJWT({ ...claims() })
      .setProtectedHeader({ alg: 'PS256', kid: 'rsa' })
      .sign(rsa.privateKey)
      .then((token) => {
        const [, body = '', mac = ''] = token.split('.');
        return `${encode({ alg: 'PS256', kid: 'rsa', b64: false, crit: ['b64'] })}.${body}.${mac}`;
      }),
    'an unknown critical member': await sign(claims(), { crit: ['exp'], exp: 1 }).catch(() =>
      withHeader({ alg: 'PS256', kid: 'rsa', crit: ['unknown'], unknown: true }),
    ),
    'a changed claim': `${good.split('.')[0]}.${encode({ ...claims(), admin: true })}.${signature}`,
    'a kid that is a path': await sign(claims(), { kid: '../../../dev/null' }),
  };
}

describe('SEC-33 alg confusion', () => {
  test('the tokens that are forged below are good before', async () => {
    expect(await askForToken(await sign(assertionClaims()))).toMatchObject({ status: 200 });
    expect(await push(await sign(requestClaims()))).toMatchObject({ status: 201 });
  });

  test('client assertions', async () => {
    for (const [name, token] of Object.entries(await forge(assertionClaims))) {
      expect({ name, ...(await askForToken(token)) }).toEqual({
        name,
        status: expect.any(Number),
        error: expect.stringMatching(/^invalid_(client|request)$/),
      });
    }
  });

  test('request objects', async () => {
    for (const [name, token] of Object.entries(await forge(requestClaims))) {
      expect({ name, ...(await push(token)) }).toEqual({
        name,
        status: 400,
        error: expect.stringMatching(/^invalid_request(_object)?$/),
      });
    }
  });
});

describe('SEC-35 one kind of token as another', () => {
  test('an ID token is no client assertion, no request object and no access token', async () => {
    const { claims } = await hybrid.forNewIntent();
    const tokens = await hybrid.redeem(await hybrid.visit(sharing(), { claims }));
    const idToken = tokens.id_token ?? '';
    // Its subject is no client_id, so that it does not even say who is asking.
    expect(await askForToken(idToken)).toMatchObject({ error: 'invalid_request' });
    expect(await push(idToken)).toMatchObject({ status: 400 });
    expect((await hybrid.read(idToken)).status).toBe(401);
    // Nor is it one where we would sign and where it is encrypted to us.
    const { keys } = (await (await bank.fetch('/oidc/certs')).json()) as { keys: JWK[] };
    const ours = keys.find(({ use, kty }) => use === 'enc' && kty === 'EC');
    const wrapped = await new CompactEncrypt(new TextEncoder().encode(idToken))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: ours?.kid ?? '' })
      .encrypt(await importJWK(ours ?? {}, 'ECDH-ES'));
    expect(await push(wrapped)).toMatchObject({ status: 400 });
  });

  test('a request object is no client assertion, and an assertion is no request object', async () => {
    expect(await askForToken(await sign(requestClaims()))).toMatchObject({
      error: 'invalid_client',
    });
    const { status } = await push(await sign(assertionClaims()));
    expect(status).toBe(400);
  });

  test('tokens of other kinds that the client signs are no client assertions', async () => {
    for (const typ of ['dpop+jwt', 'logout+jwt', 'secevent+jwt', 'at+jwt', 'oauth-authz-req+jwt']) {
      const token = await sign(assertionClaims(), { typ });
      expect({ typ, ...(await askForToken(token)) }).toMatchObject({
        typ,
        error: 'invalid_client',
      });
    }
  });

  test('an assertion may say that it is one', async () => {
    for (const typ of ['JWT', 'client-authentication+jwt', 'application/jwt']) {
      const token = await sign(assertionClaims(), { typ });
      expect({ typ, ...(await askForToken(token)) }).toMatchObject({ typ, status: 200 });
    }
  });

  test('a software statement is no request object and no client assertion', async () => {
    const statement = {
      ...{ iss: 'https://directory.example', iat: now(), jti: randomUUID(), exp: now() + 60 },
      ...{ software_id: 'app', software_client_name: 'App', org_status: 'Active' },
      software_redirect_uris: [redirectUri],
    };
    for (const typ of ['JWT', 'software-statement+jwt']) {
      // By the directory, whose keys are nobody's here, and by the client itself.
      const { privateKey } = await generateKeyPair('PS256');
      for (const key of [privateKey, rsa.privateKey]) {
        const token = await sign(statement, { typ }, key);
        expect(await push(token)).toEqual({ status: 400, error: 'invalid_request_object' });
        expect(await askForToken(token)).toMatchObject({
          error: expect.stringMatching(/^invalid_/),
        });
        expect((await hybrid.read(token)).status).toBe(401);
      }
    }
  });

  test('what a client signs opens nothing as an access token, whatever type it says', async () => {
    for (const typ of ['at+jwt', 'application/at+jwt', 'logout+jwt', 'JWT']) {
      const claims = { ...assertionClaims(), scope: 'openid accounts', client_id: 'app' };
      expect((await hybrid.read(await sign(claims, { typ }))).status).toBe(401);
    }
  });

  test('an assertion for another server is none for us', async () => {
    for (const aud of ['https://other.example/oidc', [bank.issuer, 'https://other.example/oidc']]) {
      const token = await sign({ ...assertionClaims(), aud });
      expect(await askForToken(token)).toMatchObject({ error: 'invalid_client' });
    }
  });
});
