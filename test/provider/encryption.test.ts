import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CompactEncrypt,
  type CryptoKey,
  compactDecrypt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';
import * as openid from 'openid-client';
import { systemClock } from '../../core/clock.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { openClient, registration, sharing } from '../open-banking/support/open-client.js';
import { readRecord } from '../open-banking/support/start-bank.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

type Client = Awaited<ReturnType<typeof openClient>>;

let bank: RunningAssent;
let signing: ClientKeys;
let decryption: { readonly rsa: CryptoKey; readonly ec: CryptoKey };
const clients = new Map<string, Client>();
let ours: JWK[];

beforeAll(async () => {
  signing = await createClientKeys('ES256');
  const [rsa, ec] = await Promise.all([
    generateKeyPair('RSA-OAEP-256', { extractable: true }),
    generateKeyPair('ECDH-ES', { extractable: true }),
  ]);
  decryption = { rsa: rsa.privateKey, ec: ec.privateKey };
  const encryptTo = [
    { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', use: 'enc' },
    { ...(await exportJWK(ec.publicKey)), kid: 'ec', use: 'enc' },
  ];
  const client = (name: string, metadata: object) =>
    registration(name, {
      scope: 'openid accounts',
      jwks: { keys: [signing.publicJwk, ...encryptTo] },
      ...metadata,
    });
  bank = await startAssent(
    {
      role: 'bank',
      clients: [
        client('to-rsa', {
          id_token_encrypted_response_alg: 'RSA-OAEP-256',
          id_token_encrypted_response_enc: 'A256GCM',
        }),
        client('to-ec', { id_token_encrypted_response_alg: 'ECDH-ES+A256KW' }),
        client('plain', {}),
      ],
    },
    { ledger: createDemoLedger({ clock: systemClock }) },
  );
  for (const name of ['to-rsa', 'to-ec', 'plain']) clients.set(name, await openClient(bank, name));
  const { keys } = (await (await bank.fetch('/oidc/certs')).json()) as { keys: JWK[] };
  ours = keys.filter(({ use }) => use === 'enc');
});

afterAll(() => bank?.stop());

function clientOf(name: string): Client {
  const client = clients.get(name);
  if (!client) throw new Error(`no client ${name}`);
  return client;
}

test('discovery and the key set say what can be encrypted, and how', async () => {
  const document = readRecord(
    await (await bank.fetch('/oidc/.well-known/openid-configuration')).json(),
  );
  const algorithms = ['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A256KW'];
  const contents = ['A256GCM', 'A128CBC-HS256'];
  expect(document.id_token_encryption_alg_values_supported).toEqual(algorithms);
  expect(document.id_token_encryption_enc_values_supported).toEqual(contents);
  expect(document.request_object_encryption_alg_values_supported).toEqual(algorithms);
  expect(document.request_object_encryption_enc_values_supported).toEqual(contents);
  expect(ours.map(({ kty }) => kty).sort()).toEqual(['EC', 'RSA']);
  for (const key of ours) expect(Object.keys(key)).not.toContain('d');
});

describe('ID tokens', () => {
  test.each([
    ['to-rsa', 'rsa', 'A256GCM'],
    ['to-ec', 'ec', 'A128CBC-HS256'],
  ] as const)('%s gets its own encrypted and signed', async (name, kind, enc) => {
    const client = await openClient(bank, name);
    openid.enableDecryptingResponses(client.configuration, [enc], {
      key: decryption[kind],
      kid: kind,
    });
    const back = await client.visit(sharing(), await client.forNewIntent());
    const tokens = await client.redeem(back);
    expect(decodeProtectedHeader(tokens.id_token ?? '')).toMatchObject({ enc, kid: kind });
    expect(tokens.claims()?.nonce).toBe('the-nonce');
    const { plaintext } = await compactDecrypt(tokens.id_token ?? '', decryption[kind]);
    expect(new TextDecoder().decode(plaintext).split('.')).toHaveLength(3);
  });
});

/** A signed request object of the client `plain`. */
async function signedRequest(parameters: Record<string, unknown> = {}): Promise<string> {
  const client = clientOf('plain');
  const now = Math.floor(Date.now() / 1000);
  return signing.sign({
    iss: 'plain',
    aud: bank.issuer,
    nbf: now,
    exp: now + 300,
    client_id: 'plain',
    response_type: 'code',
    ...client.request({}),
    ...parameters,
  });
}

function keyFor(kty: 'RSA' | 'EC') {
  const jwk = ours.find((key) => key.kty === kty);
  if (!jwk) throw new Error('no key');
  return { kid: jwk.kid ?? '', key: importJWK(jwk, kty === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES') };
}

async function encrypt(text: string, header: Record<string, string>): Promise<string> {
  const { kid, key } = keyFor(header.alg?.startsWith('RSA') ? 'RSA' : 'EC');
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid, cty: 'JWT', ...header })
    .encrypt(await key);
}

/** Pushes a request object as the client `plain`. */
async function push(request: string) {
  const answer = await clientOf('plain').send(`${bank.configuration.mtlsUrl}/oidc/request`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ client_id: 'plain', request }).toString(),
  });
  return { status: answer.status, body: readRecord(await answer.json()) };
}

describe('request objects', () => {
  test.each([
    { alg: 'RSA-OAEP-256', enc: 'A256GCM' },
    { alg: 'RSA-OAEP-256', enc: 'A128CBC-HS256' },
    { alg: 'ECDH-ES', enc: 'A256GCM' },
    { alg: 'ECDH-ES+A256KW', enc: 'A128CBC-HS256' },
  ])('encrypted with $alg and $enc are read', async (header) => {
    const request = await encrypt(await signedRequest(), header);
    expect(await push(request)).toMatchObject({ status: 201 });
  });

  test('the signature inside still counts', async () => {
    const other = await createClientKeys('ES256');
    const [head, payload] = (await signedRequest()).split('.');
    const [, , foreign] = (await other.sign({})).split('.');
    const request = await encrypt(`${head}.${payload}.${foreign}`, { alg: 'ECDH-ES' });
    expect(await push(request)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request_object' },
    });
  });

  test('SEC-38 what would cost us work, or hide more of it, is refused unread', async () => {
    const signed = await signedRequest();
    const good = await encrypt(signed, { alg: 'RSA-OAEP-256' });
    const [, ...parts] = good.split('.');
    const withHeader = (header: object | string) => {
      const text = typeof header === 'string' ? header : JSON.stringify(header);
      return [Buffer.from(text).toString('base64url'), ...parts].join('.');
    };
    const { kid } = keyFor('RSA');
    const header = { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid };
    const deep = '['.repeat(5000) + ']'.repeat(5000);
    const bomb = deflateRawSync(Buffer.alloc(5_000_000)).toString('base64url');
    const attacks = {
      compressed: withHeader({ ...header, zip: 'DEF' }),
      'a compressed bomb': [
        ...withHeader({ ...header, zip: 'DEF' })
          .split('.')
          .slice(0, 3),
        bomb,
        parts[3],
      ].join('.'),
      'a password and a billion rounds': withHeader({
        ...header,
        alg: 'PBES2-HS512+A256KW',
        p2c: 2_000_000_000,
        p2s: 'c2FsdA',
      }),
      'rounds beside another algorithm': withHeader({ ...header, p2c: 2_000_000_000 }),
      RSA1_5: withHeader({ ...header, alg: 'RSA1_5' }),
      'a secret of the client': withHeader({ ...header, alg: 'dir' }),
      'a symmetric wrap': withHeader({ ...header, alg: 'A256GCMKW' }),
      'a weak content algorithm': withHeader({ ...header, enc: 'A128GCM' }),
      'an unknown critical member': withHeader({ ...header, crit: ['x'], x: 1 }),
      'a giant header': withHeader({ ...header, x: 'x'.repeat(20_000) }),
      'a deep header': withHeader(`{"alg":"RSA-OAEP-256","enc":"A256GCM","x":${deep}}`),
      'another key id': withHeader({ ...header, kid: '../../etc/passwd' }),
      'JWE in JWE': await encrypt(good, { alg: 'ECDH-ES' }),
      'no JWT inside': await encrypt('hello', { alg: 'ECDH-ES' }),
      'a changed tag': `${good.slice(0, -4)}AAAA`,
    };
    const began = performance.now();
    for (const [name, request] of Object.entries(attacks)) {
      expect({ name, ...(await push(request)) }).toMatchObject({
        status: 400,
        body: { error: expect.stringMatching(/^invalid_request/) },
      });
    }
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  test('SEC-39 what is inside is bounded as what comes in the clear', async () => {
    const deep = `${'['.repeat(9000)}${']'.repeat(9000)}`;
    const nested = JSON.parse(deep) as unknown;
    const now = Math.floor(Date.now() / 1000);
    const claims = `{"iss":"plain","aud":"${bank.issuer}","exp":${now + 300},"claims":${deep}}`;
    expect(nested).toBeDefined();
    const payload = Buffer.from(claims).toString('base64url');
    const [head, , signature] = (await signedRequest()).split('.');
    const request = await encrypt(`${head}.${payload}.${signature}`, { alg: 'ECDH-ES' });
    expect(await push(request)).toMatchObject({ status: 400 });
  });
});

describe('registration', () => {
  test.each(['RSA1_5', 'dir', 'A256KW', 'PBES2-HS256+A128KW', 'RSA-OAEP'])(
    'ID tokens are not encrypted with %s',
    async (algorithm) => {
      const metadata = {
        ...registration('weak', { jwks: { keys: [signing.publicJwk] } }),
        response_types: ['code' as const],
        token_endpoint_auth_method: 'tls_client_auth' as const,
        id_token_signed_response_alg: 'PS256' as const,
        id_token_encrypted_response_alg: algorithm as 'dir',
        client_secret: 'a-secret-that-is-long-enough-to-wrap-keys',
      };
      await expect(bank.provider.Client.validate(metadata)).rejects.toMatchObject({
        error_description: expect.stringContaining('id_token_encrypted_response_alg'),
      });
    },
  );
});
