import { createPublicKey, type KeyObject } from 'node:crypto';
import { ExternalSigningKey } from 'oidc-provider';
import { isSignature, signWith } from './jws-algorithms.js';
import type { SigningKeyRecord } from './key-set.js';
import type { KeySigner } from './key-signer.js';
import { SignerUnavailable } from './signer-unavailable.js';

type Sign = (data: Uint8Array) => Promise<Uint8Array>;

/**
 * A published key as the library takes it. One that does not sign (yet, or any more) has no private half
 * here at all.
 */
export class SigningKey extends ExternalSigningKey {
  readonly #record: SigningKeyRecord;
  readonly #publicKey: KeyObject;
  readonly #sign: Sign | undefined;

  constructor(record: SigningKeyRecord, how: { signs: boolean; signer: KeySigner | undefined }) {
    super();
    this.#record = record;
    this.#publicKey = createPublicKey({ key: { ...record.publicJwk }, format: 'jwk' });
    this.#sign = how.signs ? signFor(record, this.#publicKey, how.signer) : undefined;
  }

  override get kid(): string {
    return this.#record.kid;
  }

  override get alg(): string {
    return this.#record.algorithm;
  }

  get signs(): boolean {
    return this.#sign !== undefined;
  }

  override keyObject(): KeyObject {
    return this.#publicKey;
  }

  /** @throws {SignerUnavailable} where the key is held elsewhere and its holder does not sign. */
  override async sign(data: Uint8Array): Promise<Uint8Array> {
    if (!this.#sign) throw new TypeError(`the key ${this.kid} does not sign`);
    return this.#sign(data);
  }
}

function signFor(
  { kid, algorithm, privateHalf }: SigningKeyRecord,
  key: KeyObject,
  signer: KeySigner | undefined,
): Sign | undefined {
  if (!privateHalf) return undefined;
  if ('jwk' in privateHalf) return signWith(privateHalf.jwk, algorithm);
  const { externalId: id } = privateHalf;
  return async function signElsewhere(data) {
    const given = new AbortController();
    try {
      if (!signer) throw new TypeError('no external signer is configured');
      const signature = await signer.sign({ id, algorithm, kid }, data, given.signal);
      if (isSignature(data, signature, { key, algorithm })) return signature;
      throw new TypeError('the external signer signed with another key or in another form');
    } catch (cause) {
      throw new SignerUnavailable(cause);
    } finally {
      given.abort();
    }
  };
}
