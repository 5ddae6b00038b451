import type { BrokenRule } from '../../core/broken-rule.js';
import {
  contentEncryptionAlgorithms,
  keyManagementAlgorithms,
} from '../configuration/encryption.js';

type Metadata = Readonly<Record<string, unknown>>;

const answers = ['id_token', 'userinfo', 'introspection', 'authorization'].map(
  (name) => `${name}_encrypted_response`,
);

const clause = 'RFC 8725 §3.2; RFC 7518 §4.1';

/**
 * What is wrong with the encryption that a client asks for: by which algorithms, also of what this
 * installation does not offer, and whether there is a key of the client to encrypt to.
 */
export function findEncryptionFaults(metadata: Metadata): readonly BrokenRule[] {
  const { jwks } = metadata;
  return [
    ...[...answers, 'request_object_encryption'].flatMap((name) => [
      ...notOneOf(metadata, `${name}_alg`, keyManagementAlgorithms),
      ...notOneOf(metadata, `${name}_enc`, contentEncryptionAlgorithms),
    ]),
    ...(jwks === undefined || jwks === null
      ? []
      : answers.flatMap((name) => {
          const algorithm = metadata[`${name}_alg`];
          if (typeof algorithm !== 'string' || hasKeyFor(jwks, algorithm)) return [];
          const rule = `must hold a key for ${name}_alg ${algorithm}`.slice(0, 200);
          return [{ member: 'jwks', rule, clause: 'OpenID Connect Core 1.0 §10.2' }];
        })),
  ];
}

function notOneOf(
  metadata: Metadata,
  member: string,
  allowed: readonly string[],
): readonly BrokenRule[] {
  const value = metadata[member];
  if (value === undefined || allowed.some((one) => one === value)) return [];
  return [{ member, rule: `must be one of ${allowed.join(', ')}`, clause }];
}

function hasKeyFor(jwks: unknown, algorithm: string): boolean {
  const keys = isRecord(jwks) && Array.isArray(jwks.keys) ? jwks.keys : [];
  const types = algorithm.startsWith('RSA') ? ['RSA'] : ['EC', 'OKP'];
  return keys.some(
    (key) =>
      isRecord(key) &&
      types.some((type) => type === key.kty) &&
      (key.use === undefined || key.use === 'enc') &&
      (key.alg === undefined || key.alg === algorithm),
  );
}

function isRecord(value: unknown): value is Metadata {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
