import { constants, createPrivateKey, type KeyObject, sign, verify } from 'node:crypto';
import type { JWK } from 'jose';

/** How each algorithm that the provider signs with is done (RFC 7518 §3). */
const algorithms = {
  ES256: { dsaEncoding: 'ieee-p1363' },
  PS256: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
  RS256: { padding: constants.RSA_PKCS1_PADDING },
} as const;

const digest = 'sha256';

/** Signs with a key that is here, without keeping the event loop. @returns how, for one key. */
export function signWith(jwk: JWK, algorithm: string): (data: Uint8Array) => Promise<Uint8Array> {
  const key = {
    key: createPrivateKey({ key: { ...jwk }, format: 'jwk' }),
    ...optionsOf(algorithm),
  };
  return (data) =>
    new Promise((resolve, reject) => {
      sign(digest, data, key, (error, signature) => (error ? reject(error) : resolve(signature)));
    });
}

export function isSignature(
  data: Uint8Array,
  signature: Uint8Array,
  { key, algorithm }: { readonly key: KeyObject; readonly algorithm: string },
): boolean {
  return verify(digest, data, { key, ...optionsOf(algorithm) }, signature);
}

function optionsOf(algorithm: string) {
  if (!isKnown(algorithm)) throw new TypeError(`unknown signing algorithm ${algorithm}`);
  return algorithms[algorithm];
}

function isKnown(algorithm: string): algorithm is keyof typeof algorithms {
  return Object.hasOwn(algorithms, algorithm);
}
