import type { JWK } from 'jose';
import type { Clock } from '../../core/clock.js';
import type { Storage } from '../../core/storage.js';
import {
  decryptingKeys,
  encryptionAlgorithms,
  publishedKeys,
  type SigningKeyRecord,
} from './key-set.js';
import { encryptionKeySetId } from './key-set-record.js';
import { type OnStored, watchKeySet } from './watch-key-set.js';

/** The keys that clients encrypt to, as they are now, in a running process. All are private JWKs. */
export interface EncryptionKeys {
  /** Sees what another process changed, and what time has: asks the store at most once a second. */
  refresh(): Promise<void>;
  /** Those whose public halves `/oidc/certs` shows. */
  published(): readonly JWK[];
  /**
   * Those that something valid may be encrypted to, the newest first. Where `kid` is none of them they
   * are looked up anew: another process may just have published it.
   */
  decrypting(kid: string | undefined): Promise<readonly JWK[]>;
  /** Calls `listener` after each change of what is published. */
  onChange(listener: () => void): void;
}

interface EncryptionKeysDeps {
  readonly storage: Pick<Storage, 'get'>;
  readonly clock: Clock;
  readonly onStored: OnStored;
}

/** See {@link EncryptionKeys}. Empty until it was refreshed for the first time. */
export function createEncryptionKeys(deps: EncryptionKeysDeps): EncryptionKeys {
  const { clock } = deps;
  const watch = watchKeySet({ ...deps, id: encryptionKeySetId });
  const listeners: (() => void)[] = [];
  let known = '';

  const now = () => new Date(clock.now());
  const published = () =>
    publishedKeys(watch.current().set, encryptionAlgorithms, now()).flatMap(({ key }) =>
      toJwk(key),
    );
  const decrypting = () => decryptingKeys(watch.current().set, now()).flatMap(toJwk);

  function tell(): void {
    const description = published()
      .map(({ kid }) => kid)
      .join();
    if (description === known) return;
    known = description;
    for (const listener of listeners) listener();
  }

  async function refresh(): Promise<void> {
    await watch.refresh();
    tell();
  }

  return {
    refresh,
    published,
    async decrypting(kid) {
      await refresh();
      if (kid !== undefined && !decrypting().some((key) => key.kid === kid)) {
        await watch.look();
        tell();
      }
      return decrypting();
    },
    onChange: (listener) => void listeners.push(listener),
  };
}

function toJwk({ publicJwk, privateHalf }: SigningKeyRecord): readonly JWK[] {
  return privateHalf && 'jwk' in privateHalf ? [{ ...publicJwk, ...privateHalf.jwk }] : [];
}
