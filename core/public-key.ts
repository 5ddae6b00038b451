import {
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { z } from 'zod';
import type { BrokenRule } from './broken-rule.js';

const rsaAlgorithms = ['RS', 'PS'].flatMap((name) => [256, 384, 512].map((size) => name + size));
const agreements = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'];

/** Keys that can be used here, by type and curve, and what each is for (RFC 7518, RFC 8037). */
const algorithmsOf: Readonly<Record<string, readonly string[]>> = {
  RSA: [...rsaAlgorithms, 'RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-384', 'RSA-OAEP-512'],
  'P-256': ['ES256', ...agreements],
  'P-384': ['ES384', ...agreements],
  'P-521': ['ES512', ...agreements],
  Ed25519: ['EdDSA', 'Ed25519'],
  X25519: agreements,
};

/** Bits: FAPI 2.0 SP §5.4.1, and less is unsafe for everybody; more costs whoever uses the key. */
const smallestModulus = 2048;
const largestModulus = 8192;
/** OpenSSL verifies with no longer one where the modulus is long. */
const largestExponent = 2n ** 64n;

const types = ['RSA', 'EC', 'OKP'] as const;
const curves = ['P-256', 'P-384', 'P-521', 'Ed25519', 'X25519'] as const;

/** Base64url of as many bytes as any key has. */
const number = z
  .string()
  .max(Math.ceil((largestModulus + 8) / 6))
  .regex(/^[\w-]+$/);
const secret = z.never({ error: 'must not be there: only the public key' }).optional();

/**
 * A public key (RFC 7517, RFC 7518 §6) in its form; what else a JWK may hold is dropped. Whether it is
 * a key is for {@link findPublicKeyFaults} to say.
 */
export const publicKeySchema = z.object({
  kty: z.enum(types, { error: `must be one of ${types.join(', ')}` }),
  crv: z.enum(curves, { error: `must be one of ${curves.join(', ')}` }).optional(),
  ...{ x: number.optional(), y: number.optional(), n: number.optional(), e: number.optional() },
  kid: z.string().min(1).max(512).optional(),
  use: z.string().min(1).max(40).optional(),
  key_ops: z.array(z.string().max(40)).max(10).optional(),
  alg: z.string().min(1).max(40).optional(),
  x5c: z.array(z.string().max(8192)).min(1).max(5).optional(),
  x5t: z.string().max(100).optional(),
  'x5t#S256': z.string().max(100).optional(),
  ...{ d: secret, p: secret, q: secret, dp: secret, dq: secret, qi: secret, oth: secret },
  ...{ k: secret, priv: secret },
});

type KeyForm = z.infer<typeof publicKeySchema>;

/** A public key that can be used. */
export type PublicKey = { readonly kty: string; readonly [member: string]: unknown };

const kindSchema = publicKeySchema.pick({ kty: true, crv: true });
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** Whether a JWK is of a type or curve that nobody here uses, with nothing in it that is secret. */
export function isUnknownKind(jwk: unknown): boolean {
  if (typeof jwk !== 'object' || jwk === null) return false;
  return !kindSchema.safeParse(jwk).success && !privateMembers.some((member) => member in jwk);
}

type Fault = Omit<BrokenRule, 'member'>;

/**
 * Why a JWK is no public key that can be used here: unknown in type, curve or algorithm, weak, damaged,
 * too large, or with a private half (SEC-41).
 */
export function findPublicKeyFaults(jwk: unknown): readonly Fault[] {
  const { data: key, error } = publicKeySchema.safeParse(jwk);
  if (!key) {
    return error.issues.map(({ path, message }) => ({
      rule: `must be a public key: ${[...path.map(String), ''].join(' ')}${message}`
        .replaceAll('"', "'")
        .slice(0, 200),
      clause: 'RFC 7517 §4',
    }));
  }
  const { kty, crv, alg, x5c } = key;
  const algorithms = algorithmsOf[kty === 'RSA' ? kty : (crv ?? '')] ?? [];
  if (alg !== undefined && !algorithms.includes(alg)) {
    return [{ rule: `must have no other alg than ${algorithms.join(', ')}`, clause }];
  }
  const imported = importKey(key);
  if (!imported) return [{ rule: 'must be a key: its numbers are those of none', clause }];
  if (kty === 'RSA') {
    const faults = findRsaFaults(imported);
    if (faults.length > 0) return faults;
  }
  return x5c === undefined || isCertified(imported, x5c)
    ? []
    : [{ rule: 'must have an x5c that begins with its own certificate', clause: 'RFC 7517 §4.7' }];
}

const clause = 'RFC 7518 §6';

/**
 * Those of the keys that can be used, with what is known of each: what else is in a set counts for
 * nothing (RFC 7517 §5).
 */
export function usableKeys(keys: readonly unknown[]): readonly PublicKey[] {
  return keys.flatMap((jwk) => {
    if (findPublicKeyFaults(jwk).length === 0) return [publicKeySchema.parse(jwk)];
    if (typeof jwk !== 'object' || jwk === null || !('x5c' in jwk)) return [];
    // A certificate says whose a key is; the key is good without.
    const { x5c: _x5c, ...bare } = jwk;
    return usableKeys([bare]);
  });
}

/** The key; undefined where it is none: off its curve, too short, of parts that no key has. */
function importKey({ kty, crv, x, y, n, e }: KeyForm): KeyObject | undefined {
  const parts = Object.entries({ kty, crv, x, y, n, e }).filter(([, part]) => part !== undefined);
  try {
    const key = createPublicKey({ key: Object.fromEntries(parts), format: 'jwk' });
    if (kty === 'RSA') return key;
    // RFC 7518 §6.2.1.2: each coordinate in full length, and written in one way.
    const written = key.export({ format: 'jwk' });
    if (written.x !== x || written.y !== y) return undefined;
    return crv !== 'X25519' || isContributing(key) ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an agreement with this key has a secret (RFC 7748 §6.1). */
function isContributing(publicKey: KeyObject): boolean {
  const { privateKey } = generateKeyPairSync('x25519');
  try {
    return diffieHellman({ privateKey, publicKey }).some((byte) => byte !== 0);
  } catch {
    return false;
  }
}

function findRsaFaults(key: KeyObject): readonly Fault[] {
  const { modulusLength = 0, publicExponent: exponent = 0n } = key.asymmetricKeyDetails ?? {};
  const { n = '' } = key.export({ format: 'jwk' });
  const modulus = BigInt(`0x0${Buffer.from(n, 'base64url').toString('hex')}`);
  const faults: Fault[] = [];
  if (modulusLength < smallestModulus || modulusLength > largestModulus) {
    const rule = `must have a modulus of ${smallestModulus} to ${largestModulus} bits`;
    faults.push({ rule, clause: 'FAPI 2.0 SP §5.4.1' });
  }
  if (exponent < 65_537n || exponent % 2n === 0n || exponent >= largestExponent) {
    faults.push({ rule: 'must have an odd exponent of at least 65537 and at most 64 bits' });
  }
  if (modulus % 2n === 0n) faults.push({ rule: 'must have an odd modulus' });
  if (hasRocaFingerprint(modulus)) {
    const rule = 'must not be one of the weak keys of CVE-2017-15361';
    faults.push({ rule, clause: 'CVE-2017-15361' });
  }
  return faults;
}

const smallPrimes = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71,
].concat([
  73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
]);

/**
 * ROCA: the chips that made them choose primes among the powers of 65537 modulo small primes, and so
 * their product is one, too. Of other keys, one in 2²⁷ is.
 */
function hasRocaFingerprint(modulus: bigint): boolean {
  return smallPrimes.every((prime) => {
    const remainder = Number(modulus % BigInt(prime));
    for (let power = 1, count = 0; count < prime; count++) {
      if (power === remainder) return true;
      power = (power * 65_537) % prime;
    }
    return false;
  });
}

/** RFC 7517 §4.7: the key in the first certificate is this one. */
function isCertified(key: KeyObject, [first = '']: readonly string[]): boolean {
  try {
    return new X509Certificate(Buffer.from(first, 'base64')).publicKey.equals(key);
  } catch {
    return false;
  }
}
