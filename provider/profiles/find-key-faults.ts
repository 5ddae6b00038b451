import type { BrokenRule } from '../../core/broken-rule.js';

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** Bits: FAPI 2.0 SP §5.4.1, and less is unsafe for everybody. */
const smallestModulus = 2048;

/** What is wrong with the keys that a client registers (SEC-41): each fault of each key. */
export function findKeyFaults(jwks: unknown): readonly BrokenRule[] {
  const keys = isRecord(jwks) && Array.isArray(jwks.keys) ? jwks.keys : [];
  const ids = keys.map((key) => (isRecord(key) ? key.kid : undefined));
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
      ...(key.kty === 'RSA' ? findRsaFaults(member, key) : []),
    ];
  });
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
  return faults;
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
