import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rewritePng } from '../../http/rewrite-png.js';
import { createClientKeys } from '../support/client-keys.js';
import { eventually } from '../support/eventually.js';
import { makePng } from '../support/make-png.js';
import { type Registration, redirectUri, startRegistration } from './support/start-registration.js';

let assent: Registration;
let budget: Readonly<Record<string, unknown>>;
let token: string;
let publicJwk: object;

beforeAll(async () => {
  assent = await startRegistration();
  token = await assent.token();
  const keys = await createClientKeys();
  publicJwk = keys.publicJwk;
  budget = {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: keys.jwks,
    dpop_bound_access_tokens: true,
    redirect_uris: [redirectUri],
  };
});
afterAll(() => assent?.stop());

describe('SEC-41: weak keys', () => {
  const rsa = (modulusLength: number, publicExponent = 65_537) =>
    generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey.export({
      format: 'jwk',
    });

  test.each<[string, () => readonly object[]]>([
    ['RSA of 1024 bits', () => [rsa(1024)]],
    ['an exponent of 3', () => [rsa(2048, 3)]],
    ['an exponent of 1', () => [{ ...rsa(2048), e: 'AQ' }]],
    ['a modulus of chips that choose badly (ROCA)', () => [{ ...rsa(2048), n: rocaModulus() }]],
    ['one kid twice', () => [publicJwk, { ...rsa(2048), ...{ kid: kidOf(publicJwk) } }]],
    ['one key for two uses', () => [publicJwk, { ...publicJwk, kid: 'other', use: 'enc' }]],
    ['operations of both uses', () => [{ ...rsa(2048), key_ops: ['verify', 'encrypt'] }]],
    [
      'a key for encryption beside one without use',
      () => [rsa(2048), { ...rsa(2048), use: 'enc' }],
    ],
    ['a private key', () => [{ ...rsa(2048), d: 'AQAB' }]],
    ['a point off its curve', () => [publicJwk, { ...offCurve(), use: 'enc', alg: 'ECDH-ES' }]],
    ['a modulus of 320 000 bits', () => [{ ...rsa(2048), n: ones(40_000) }]],
    ['an exponent as long as the modulus', () => [{ ...rsa(2048), e: rsa(2048).n }]],
    ['members that are no text', () => [{ ...rsa(2048), n: { toString: 1, valueOf: 1 } }]],
    ['operations that are no text', () => [{ ...rsa(2048), key_ops: [{ toString: 1 }] }]],
    ["another key's certificate", () => [{ ...rsa(2048), x5c: ['%%%'] }]],
    ['no algorithm', () => [{ ...publicJwk, alg: 'none' }]],
  ])('%s is refused, registered or published', async (_name, make) => {
    const jwks = { keys: make() };
    const { jwks: _jwks, ...rest } = budget;
    const jwks_uri = assent.publish(`/weak/${Math.random()}`, jwks);
    for (const keys of [{ jwks }, { jwks_uri }]) {
      const answer = await assent.register({ ...rest, ...keys }, { token });
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } });
      expect(answer.body.error_description).toMatch(/^jwks/);
    }
  });

  test.each<[string, string, () => readonly object[], RegExp]>([
    ['none', 'private_key_jwt', () => [], /^must hold a key to authenticate with/],
    [
      'one for encryption alone',
      'private_key_jwt',
      () => [{ ...rsa(2048), use: 'enc' }],
      /^must hold a key to authenticate with, one that signs with /,
    ],
    ['none', 'self_signed_tls_client_auth', () => [], /^must hold a certificate/],
    ['one without certificate', 'self_signed_tls_client_auth', () => [publicJwk], /x5c/],
  ])(
    'keys to authenticate with, %s for %s: refused, registered or published',
    async (_what, method, make, rule) => {
      const jwks = { keys: make() };
      const { jwks: _jwks, ...others } = budget;
      const rest = { ...others, token_endpoint_auth_method: method };
      const jwks_uri = assent.publish(`/empty/${Math.random()}`, jwks);
      for (const keys of [{ jwks }, { jwks_uri }]) {
        const answer = await assent.register({ ...rest, ...keys }, { token });
        expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } });
        const [member] = Object.keys(keys);
        expect(answer.body.broken_rules).toMatchObject([
          { member, rule: expect.stringMatching(rule), clause: expect.any(String) },
        ]);
      }
    },
  );

  test('a key of a kind that is unknown here is refused, and one that is published beside others ignored', async () => {
    const { jwks: _jwks, ...rest } = budget;
    for (const unknown of [{ kty: 'FOO' }, {}, { ...offCurve(), crv: 'secp256k1' }]) {
      const jwks = { keys: [publicJwk, unknown] };
      expect(await assent.register({ ...rest, jwks }, { token })).toMatchObject({ status: 400 });
      const jwks_uri = assent.publish(`/unknown/${Math.random()}`, jwks);
      expect(await assent.register({ ...rest, jwks_uri }, { token })).toMatchObject({
        status: 201,
      });
      const alone = assent.publish(`/alone/${Math.random()}`, { keys: [unknown] });
      expect(await assent.register({ ...rest, jwks_uri: alone }, { token })).toMatchObject({
        status: 400,
        body: {
          broken_rules: [{ member: 'jwks_uri', rule: expect.stringMatching(/^must hold a key/) }],
        },
      });
    }
  });

  test('what nobody knows of a key is not kept', async () => {
    const jwks = { keys: [{ ...publicJwk, note: 'n'.repeat(10_000), x5u: 'https://x.example' }] };
    const { body } = await assent.register({ ...budget, jwks }, { token });
    expect(body.jwks).toEqual({ keys: [publicJwk] });
  });

  function offCurve(): JsonWebKey {
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
      format: 'jwk',
    });
    return { ...jwk, y: `${jwk.x}` };
  }

  function ones(bytes: number): string {
    return Buffer.alloc(bytes, 255).toString('base64url');
  }

  /** Of 2048 bits, and a power of 65537 modulo every small prime, as CVE-2017-15361 leaves it. */
  function rocaModulus(): string {
    let product = 1n;
    for (let prime = 3n; prime <= 167n; prime += 2n) {
      if (
        Array.from({ length: 13 }, (_, at) => BigInt(at) + 2n).every((n) => n >= prime || prime % n)
      ) {
        product *= prime;
      }
    }
    const power = 65_537n ** 1234n % product;
    const modulus = power + product * (2n ** 2047n / product + 2n);
    const odd = modulus % 2n === 1n ? modulus : modulus + product;
    return Buffer.from(odd.toString(16), 'hex').toString('base64url');
  }

  function kidOf(jwk: object): unknown {
    return 'kid' in jwk ? jwk.kid : undefined;
  }
});

describe('a logo', () => {
  test('is fetched, written anew and served from our own origin', async () => {
    const logo_uri = assent.publish('/logo.png', makePng());
    const { status, body } = await assent.register({ ...budget, logo_uri }, { token });
    expect(status).toBe(201);
    const served = await eventually(async () => {
      const response = await assent.fetch(`/client-logos/${body.client_id}`);
      expect(response.status).toBe(200);
      return response;
    });
    expect(served.headers.get('content-type')).toBe('image/png');
    const file = Buffer.from(await served.arrayBuffer());
    expect(file.toString('latin1')).not.toMatch(/script|php/);
    // What was written is whole.
    expect(rewritePng(file)?.equals(file)).toBe(true);
  });

  test('keeps transparency of the length that its colours have, and nothing else beside its pixels', () => {
    const script = Buffer.from('<script>alert(1)</script>');
    expect(rewritePng(makePng(2, undefined, [['tRNS', script]]))?.includes('script')).toBe(false);
    const grey = makePng(2, Buffer.alloc(2 * (1 + 2)), [['tRNS', Buffer.from([0, 7])]], 0);
    expect(rewritePng(grey)?.includes(Buffer.from('tRNS\0\x07', 'latin1'))).toBe(true);
    const more = makePng(2, Buffer.alloc(2 * (1 + 2)), [['tRNS', script]], 0);
    expect(rewritePng(more)?.includes('script')).toBe(false);
    const palette = ['PLTE', Buffer.alloc(6)] as const;
    const indexed = (data: Buffer) =>
      rewritePng(makePng(2, Buffer.alloc(2 * (1 + 2)), [palette, ['tRNS', data]], 3));
    expect(indexed(Buffer.from([1, 2]))?.includes('tRNS')).toBe(true);
    expect(indexed(script)?.includes('script')).toBe(false);
  });

  test('that is no plain, whole and small PNG is none', () => {
    const whole = makePng();
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(20) ^ 1, 20);
    for (const file of [
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      Buffer.alloc(0),
      whole.subarray(0, 40),
      damaged,
      makePng(513),
      makePng(2, Buffer.alloc(10_000_000)),
    ]) {
      expect(rewritePng(file)).toBeUndefined();
    }
  });
});
