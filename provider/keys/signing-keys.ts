import type { Clock } from '../../core/clock.js';
import type { Storage } from '../../core/storage.js';
import { publishedKeys } from './key-set.js';
import { keySetId } from './key-set-record.js';
import type { KeySigner } from './key-signer.js';
import { SignerUnavailable } from './signer-unavailable.js';
import { SigningKey } from './signing-key.js';
import { type OnStored, watchKeySet } from './watch-key-set.js';

/** The provider's keys as they are now, in a running process. */
export interface SigningKeys {
  /** Sees what another process changed, and what time has: asks the store at most once a second. */
  refresh(): Promise<void>;
  /**
   * As {@link refresh}, before something is signed with an algorithm, or verified.
   * @throws {SignerUnavailable} where it is one of the settings' and has no key: its own was revoked and a
   * new one could not be made. The others sign on.
   */
  ready(algorithm: unknown): Promise<void>;
  /** What `/oidc/certs` shows; first those that sign, in the order of `signing.algorithms`. */
  published(): readonly SigningKey[];
  /** The key that signs with an algorithm; undefined where none does. */
  signerFor(algorithm: unknown): SigningKey | undefined;
  /** Calls `listener` after each change of what is published or signs. */
  onChange(listener: () => void): void;
}

interface SigningKeysDeps {
  readonly storage: Pick<Storage, 'get'>;
  readonly clock: Clock;
  readonly algorithms: readonly string[];
  /** Where keys live that are not in the store. */
  readonly signer: KeySigner | undefined;
  readonly onStored: OnStored;
}

/** See {@link SigningKeys}. Empty until it was refreshed for the first time. */
export function createSigningKeys(deps: SigningKeysDeps): SigningKeys {
  const { clock, algorithms, signer } = deps;
  const listeners: (() => void)[] = [];
  const watch = watchKeySet({ ...deps, id: keySetId });
  let known = '';
  let current: readonly SigningKey[] = [];

  /** Private halves are parsed when something changes, and not for each signature. */
  function apply(): void {
    const { set, version } = watch.current();
    const shown = publishedKeys(set, algorithms, new Date(clock.now()));
    const description = `${version} ${shown.map(({ key, signs }) => `${key.kid}:${signs}`).join()}`;
    if (description === known) return;
    known = description;
    current = shown.map(({ key, signs }) => new SigningKey(key, { signs, signer }));
    for (const listener of listeners) listener();
  }

  async function refresh(): Promise<void> {
    await watch.refresh();
    apply();
  }

  function signerFor(algorithm: unknown): SigningKey | undefined {
    return current.find((key) => key.signs && key.alg === algorithm);
  }

  return {
    refresh,
    async ready(algorithm) {
      await refresh();
      const isOurs = algorithms.some((one) => one === algorithm);
      if (isOurs && !signerFor(algorithm)) {
        throw new SignerUnavailable(new Error(`there is no key for ${String(algorithm)}`));
      }
    },
    published: () => current,
    signerFor,
    onChange: (listener) => void listeners.push(listener),
  };
}
