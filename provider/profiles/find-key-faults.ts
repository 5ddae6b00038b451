import type { BrokenRule } from '../../core/broken-rule.js';

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** Bits: FAPI 2.0 SP §5.4.1, and less is unsafe for everybody. */
const smallestModulus = 2048;

/** What is wrong with the keys that a client registers (SEC-41): each fault of each key. */
export function findKeyFaults(jwks: unknown): readonly BrokenRule[] {
  const keys = isRecord(jwks) && Array.isArray(jwks.keys) ? jwks.keys : [];
  const ids = keys.map((key) => (isRecord(key) ? key.kid : undefined));
  const uses = keys.map((key) => (isRecord(key) ? key.use : undefined));
  const isMixed = uses.includes('enc') && uses.some((use) => use !== 'enc');
  return keys.flatMap((key, index) => {
    const member = `jwks.keys.${index}`;
    if (!isRecord(key)) return [];
    const isRepeated = key.kid !== undefined && ids.indexOf(key.kid) !== index;
    return [
      ...(isRepeated
        ? [{ member, rule: 'must have a kid of its own', clause: 'RFC 7517 §4.5' }]
        : []),
      ...(key.kty === 'oct' || privateMembers.some((name) => name in key)
        ? [{ member, rule: 'must be a public key', clause: 'RFC 7591 §2' }]
        : []),
      ...(isMixed && key.use === undefined
        ? [
            {
              member,
              rule: 'must have a use, as there are keys for encryption',
              clause: 'RFC 7517 §4.2',
            },
          ]
        : []),
      ...(findSecondUse(key, keys.slice(0, index))
        ? [
            {
              member,
              rule: 'must not be the same key as another one',
              clause: 'NIST SP 800-57 §5.2',
            },
          ]
        : []),
      ...(hasMixedOperations(key)
        ? [
            {
              member,
              rule: 'must not be for signatures and encryption both',
              clause: 'RFC 7517 §4.3',
            },
          ]
        : []),
      ...(key.kty === 'RSA' ? findRsaFaults(member, key) : []),
    ];
  });
}

/** One key under two names is a key of two uses. */
function findSecondUse(key: Readonly<Record<string, unknown>>, others: readonly unknown[]) {
  const own = materialOf(key);
  return own !== '' && others.some((other) => isRecord(other) && materialOf(other) === own);
}

function materialOf({ n, x, y }: Readonly<Record<string, unknown>>): string {
  return [n, x, y].filter((part) => typeof part === 'string').join('.');
}

function hasMixedOperations({ use, key_ops: operations }: Readonly<Record<string, unknown>>) {
  if (!Array.isArray(operations)) return false;
  const signs = use === 'sig' || operations.some((one) => one === 'sign' || one === 'verify');
  const encrypts =
    use === 'enc' ||
    operations.some((one) => /^(?:en|de)crypt$|^(?:un)?wrapKey$/.test(String(one)));
  return signs && encrypts;
}

function findRsaFaults(member: string, { n, e }: Readonly<Record<string, unknown>>) {
  const faults: BrokenRule[] = [];
  if (bitsOf(n) < smallestModulus) {
    const rule = `must have a modulus of at least ${smallestModulus} bits`;
    faults.push({ member, rule, clause: 'FAPI 2.0 SP §5.4.1' });
  }
  const exponent = numberOf(e);
  if (exponent < 65_537n || exponent % 2n === 0n) {
    faults.push({ member, rule: 'must have an odd exponent of at least 65537' });
  }
  if (hasRocaFingerprint(numberOf(n))) {
    const rule = 'must not be one of the weak keys of CVE-2017-15361';
    faults.push({ member, rule, clause: 'CVE-2017-15361' });
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
  return (
    modulus > 0n &&
    smallPrimes.every((prime) => {
      const remainder = Number(modulus % BigInt(prime));
      for (let power = 1, count = 0; count < prime; count++) {
        if (power === remainder) return true;
        power = (power * 65_537) % prime;
      }
      return false;
    })
  );
}

function bitsOf(value: unknown): number {
  return numberOf(value).toString(2).length;
}

function numberOf(value: unknown): bigint {
  const hexadecimal = Buffer.from(String(value ?? ''), 'base64url').toString('hex');
  return BigInt(`0x${hexadecimal || '0'}`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
