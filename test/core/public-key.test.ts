import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { findPublicKeyFaults, usableKeys } from '../../core/public-key.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';

const jwkOf = (pair: ReturnType<typeof generateKeyPairSync>) =>
  pair.publicKey.export({ format: 'jwk' });
const p256 = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const p384 = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }));
const rsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const ed25519 = jwkOf(generateKeyPairSync('ed25519'));
const x25519 = jwkOf(generateKeyPairSync('x25519'));
const zeros = (bytes: number) => Buffer.alloc(bytes).toString('base64url');
const ones = (bytes: number) => Buffer.alloc(bytes, 255).toString('base64url');
const unprintable = { toString: 1, valueOf: 1 };

let folder: string;
let x5c: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assent-keys-'));
  const files = await (await openCertificateAuthority(folder, systemClock)).client('tpp');
  const pem = await readFile(files.certificate, 'utf8');
  x5c = [pem.replace(/-----[^-]+-----|\s/g, '')];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each<[string, object]>([
  ['EC', p256],
  ['EC of another curve', { ...p384, alg: 'ES384', use: 'sig' }],
  ['EC for encryption', { ...p256, alg: 'ECDH-ES+A256KW', use: 'enc' }],
  ['RSA', { ...rsa, alg: 'PS256', kid: 'one', key_ops: ['verify'] }],
  ['RSA for encryption', { ...rsa, alg: 'RSA-OAEP', use: 'enc' }],
  ['Ed25519', { ...ed25519, alg: 'EdDSA' }],
  ['X25519', { ...x25519, alg: 'ECDH-ES', use: 'enc' }],
])('a key of %s is one', (_name, jwk) => {
  expect(findPublicKeyFaults(jwk)).toEqual([]);
  expect(usableKeys([jwk])).toEqual([jwk]);
});

test.each<[string, unknown]>([
  ['nothing', null],
  ['a word', 'key'],
  ['no type', {}],
  ['an unknown type', { ...p256, kty: 'FOO' }],
  ['a symmetric key', { kty: 'oct', k: 'AAAA' }],
  ['a private key', { ...p256, d: p256.x }],
  ['a curve that nobody uses', { ...p256, crv: 'secp256k1' }],
  ['a point off its curve', { ...p256, y: p256.x }],
  ['a point of another curve', { ...p384, crv: 'P-256' }],
  ['a short coordinate', { ...p256, x: 'AA' }],
  ['a coordinate with a zero before it', { ...p256, x: `AA${p256.x}` }],
  ['no coordinate', { kty: 'EC', crv: 'P-256', x: p256.x }],
  ['a short Ed25519 key', { ...ed25519, x: 'AA' }],
  ['a point that every secret leads to', { ...x25519, x: zeros(32) }],
  ['a modulus of 320 000 bits', { ...rsa, n: ones(40_000) }],
  ['a modulus of 8200 bits', { ...rsa, n: ones(1025) }],
  ['a modulus of 1024 bits', { ...rsa, n: ones(128) }],
  ['an even modulus', { ...rsa, n: Buffer.alloc(256, 254).toString('base64url') }],
  ['an exponent as long as the modulus', { ...rsa, e: rsa.n }],
  ['an exponent of 72 bits', { ...rsa, e: ones(9) }],
  ['an exponent of 3', { ...rsa, e: 'Aw' }],
  ['an even exponent', { ...rsa, e: 'AQAC' }],
  ['no exponent', { kty: 'RSA', n: rsa.n }],
  ['a modulus that is no text', { ...rsa, n: unprintable }],
  ['an exponent that is no text', { ...rsa, e: unprintable }],
  ['operations that are no text', { ...rsa, key_ops: [unprintable] }],
  ['no algorithm', { ...p256, alg: 'none' }],
  ['a symmetric algorithm', { ...p256, alg: 'HS256' }],
  ['the algorithm of another curve', { ...p256, alg: 'ES384' }],
  ['the algorithm of another type', { ...rsa, alg: 'ES256' }],
  ['signatures by a key for agreement', { ...x25519, alg: 'EdDSA' }],
  ['a kid that is no text', { ...p256, kid: 5 }],
  ['an endless kid', { ...p256, kid: 'k'.repeat(100_000) }],
])('%s is no key', (_name, jwk) => {
  expect(findPublicKeyFaults(jwk)).not.toEqual([]);
  expect(usableKeys([jwk, p256])).toEqual([p256]);
});

test('what nobody knows of a key is dropped', () => {
  expect(usableKeys([{ ...p256, x5u: 'https://x.example', note: 'n'.repeat(50_000) }])).toEqual([
    p256,
  ]);
});

test("a certificate is the key's own, or counts for nothing", async () => {
  const other = { ...p256, x5c };
  const damaged = { ...p256, x5c: ['%%%'] };
  for (const jwk of [other, damaged]) {
    expect(findPublicKeyFaults(jwk)).toHaveLength(1);
    expect(usableKeys([jwk])).toEqual([p256]);
  }
  const { X509Certificate } = await import('node:crypto');
  const certificate = new X509Certificate(Buffer.from(x5c.join(''), 'base64'));
  const own = { ...certificate.publicKey.export({ format: 'jwk' }), x5c };
  expect(findPublicKeyFaults(own)).toEqual([]);
  expect(usableKeys([own])).toEqual([own]);
});
