import type { BrokenRule } from '../../core/broken-rule.js';
import { findPublicKeyFaults, isUnknownKind } from '../../core/public-key.js';

/**
 * What is wrong with the keys of a client (SEC-41): each fault of each key. Those of a kind that nobody
 * here uses count for nothing (RFC 7517 §5): a client may publish them for others.
 */
export function findKeyFaults(jwks: unknown): readonly BrokenRule[] {
  const keys = isRecord(jwks) && Array.isArray(jwks.keys) ? jwks.keys : [];
  const ids = keys.map((key) => (isRecord(key) ? key.kid : undefined));
  const uses = keys.map((key) => (isRecord(key) ? key.use : undefined));
  const isMixed = uses.includes('enc') && uses.some((use) => use !== 'enc');
  return keys.flatMap((key, index) => {
    const member = `jwks.keys.${index}`;
    if (isUnknownKind(key)) return [];
    const faults = findPublicKeyFaults(key);
    if (faults.length > 0 || !isRecord(key)) return faults.map((fault) => ({ member, ...fault }));
    const isRepeated = key.kid !== undefined && ids.indexOf(key.kid) !== index;
    return [
      ...(isRepeated
        ? [{ member, rule: 'must have a kid of its own', clause: 'RFC 7517 §4.5' }]
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

const encryptionOperations = ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey'];

function hasMixedOperations({ use, key_ops: operations }: Readonly<Record<string, unknown>>) {
  if (!Array.isArray(operations)) return false;
  const signs = use === 'sig' || operations.some((one) => one === 'sign' || one === 'verify');
  const encrypts =
    use === 'enc' || operations.some((one) => encryptionOperations.some((name) => name === one));
  return signs && encrypts;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
