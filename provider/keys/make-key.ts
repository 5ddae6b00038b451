import { createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { z } from 'zod';
import { isForEncryption, type PrivateHalf, type SigningKeyRecord } from './key-set.js';
import type { KeySigner } from './key-signer.js';
import { SigningKey } from './signing-key.js';

const madeElsewhere = z.object({
  id: z.string().min(1).max(2048),
  publicJwk: z.looseObject({ kty: z.enum(['EC', 'RSA']) }),
});

/** FAPI 2.0 SP §5.4.1: RSA keys of 2048 bits at least. */
const leastModulusLength = 2048;

/**
 * Makes a key. One that signs is made elsewhere where a signer is given, and signs once before it is used;
 * one that decrypts does not.
 * @throws Error where the signer does not answer, or its keys do not do.
 */
export async function makeKey(
  algorithm: string,
  signer: KeySigner | undefined,
  times: Pick<SigningKeyRecord, 'createdAt' | 'signsFrom'>,
): Promise<SigningKeyRecord> {
  if (isForEncryption({ algorithm })) return makeEncryptionKey(algorithm, times);
  const { bare, privateHalf } = await (signer ? makeElsewhere(signer, algorithm) : make(algorithm));
  const kid = await calculateJwkThumbprint(bare);
  const publicJwk = { ...bare, kid, alg: algorithm, use: 'sig' };
  const key = { kid, algorithm, publicJwk, privateHalf, ...times };
  try {
    await new SigningKey(key, { signs: true, signer }).sign(Buffer.from('assent'));
    return key;
  } catch (error) {
    // Why it does not do is what matters.
    await forgetKey(key, signer).catch(() => undefined);
    throw error;
  }
}

async function makeEncryptionKey(
  algorithm: string,
  times: Pick<SigningKeyRecord, 'createdAt' | 'signsFrom'>,
): Promise<SigningKeyRecord> {
  const { bare, privateHalf } = await make(algorithm);
  const kid = await calculateJwkThumbprint(bare);
  // The elliptic one is for direct and for wrapped keys alike, so it names neither.
  const named = bare.kty === 'RSA' ? { alg: algorithm } : {};
  return {
    kid,
    algorithm,
    publicJwk: { ...bare, ...named, kid, use: 'enc' },
    privateHalf,
    ...times,
  };
}

/** Destroys a key that was made and is not used after all. @throws where its holder does not do it. */
export async function forgetKey(
  { privateHalf }: Pick<SigningKeyRecord, 'privateHalf'>,
  signer: KeySigner | undefined,
): Promise<void> {
  if (privateHalf && 'externalId' in privateHalf) await signer?.destroyKey(privateHalf.externalId);
}

interface MadeKey {
  readonly bare: JWK;
  readonly privateHalf: PrivateHalf;
}

async function make(algorithm: string): Promise<MadeKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return {
    bare: await exportJWK(publicKey),
    privateHalf: { jwk: await exportJWK(privateKey) },
  };
}

async function makeElsewhere(signer: KeySigner, algorithm: string): Promise<MadeKey> {
  const { id, publicJwk } = madeElsewhere.parse(await create(signer, algorithm));
  // Without what else the signer says of it, above all anything private.
  const key = createPublicKey({ key: publicJwk, format: 'jwk' });
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  const fits =
    algorithm === 'ES256'
      ? namedCurve === 'prime256v1'
      : modulusLength !== undefined && modulusLength >= leastModulusLength;
  if (!fits) throw new Error(`the external signer made a key that is none for ${algorithm}`);
  return { bare: await exportJWK(key), privateHalf: { externalId: id } };
}

async function create(signer: KeySigner, algorithm: string): Promise<unknown> {
  try {
    return await signer.createKey(algorithm);
  } catch (cause) {
    throw new Error(`The external signer could not make a signing key: ${cause}`, { cause });
  }
}
