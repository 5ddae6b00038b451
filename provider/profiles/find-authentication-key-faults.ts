import type { BrokenRule } from '../../core/broken-rule.js';
import { findPublicKeyFaults, isUnknownKind } from '../../core/public-key.js';
import { profileOf } from './profiles.js';

type Metadata = Readonly<Record<string, unknown>>;

/**
 * Whether a client that proves itself by a key has one among its own: without, it could never be
 * authenticated. What it publishes elsewhere (`jwks_uri`) is looked at where it is read.
 */
export function findAuthenticationKeyFaults(metadata: Metadata): readonly BrokenRule[] {
  const { jwks, token_endpoint_auth_method: method } = metadata;
  if (!isRecord(jwks) || !Array.isArray(jwks.keys)) return [];
  const known = jwks.keys.filter((key) => !isUnknownKind(key));
  // What is wrong with keys is told of each.
  if (known.some((key) => findPublicKeyFaults(key).length > 0)) return [];
  const keys = known.filter(isRecord);
  if (method === 'private_key_jwt') {
    const algorithms = algorithmsOf(metadata);
    if (keys.some((key) => algorithms.some((algorithm) => signsWith(key, algorithm)))) return [];
    const rule = `must hold a key to authenticate with, one that signs with ${algorithms.join(', ')}`;
    return [{ member: 'jwks', rule, clause: 'RFC 7523 §3' }];
  }
  if (method !== 'self_signed_tls_client_auth' || keys.some((key) => 'x5c' in key)) return [];
  const rule = 'must hold a certificate to authenticate with, as x5c of its key';
  return [{ member: 'jwks', rule, clause: 'RFC 8705 §2.2' }];
}

function algorithmsOf(metadata: Metadata): readonly string[] {
  const { token_endpoint_auth_signing_alg: algorithm } = metadata;
  const { signingAlgorithms } = profileOf(metadata);
  return typeof algorithm === 'string' ? [algorithm] : signingAlgorithms;
}

function signsWith({ kty, crv, use, alg }: Metadata, algorithm: string): boolean {
  if (use === 'enc' || (alg !== undefined && alg !== algorithm)) return false;
  if (/^(PS|RS)/.test(algorithm)) return kty === 'RSA';
  if (/^ES/.test(algorithm)) return kty === 'EC' && crv === curves[algorithm];
  return kty === 'OKP' && crv === 'Ed25519' && /^Ed/.test(algorithm);
}

const curves: Readonly<Record<string, string>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
};

function isRecord(value: unknown): value is Metadata {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
