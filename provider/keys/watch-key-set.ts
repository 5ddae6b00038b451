import type { Clock } from '../../core/clock.js';
import type { Storage } from '../../core/storage.js';
import type { KeySet } from './key-set.js';
import { readKeySet } from './key-set-record.js';

/** The keys of one record as this process knows them. Empty until it has looked for the first time. */
export interface KeySetWatch {
  /** Asks the store, at most once a second: a change made by another process is seen after that. */
  refresh(): Promise<void>;
  /** Asks it now. */
  look(): Promise<void>;
  /** The keys, and a number that is another one after each change. */
  current(): { readonly set: KeySet; readonly version: number };
}

/** Called with the keys when it turns out that they were changed, by whichever process. */
export type OnStored = (set: KeySet, before: KeySet) => void;

interface WatchDeps {
  readonly storage: Pick<Storage, 'get'>;
  readonly clock: Clock;
  readonly id: string;
  readonly onStored: OnStored;
}

/** As with clients. */
const freshForMilliseconds = 1000;

/** See {@link KeySetWatch}. */
export function watchKeySet({ storage, clock, id, onStored }: WatchDeps): KeySetWatch {
  let set: KeySet = { keys: [] };
  let version = 0;
  let checkedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;

  async function read(): Promise<void> {
    const stored = await readKeySet(storage, id);
    checkedAt = clock.now();
    if (!stored || stored.version === version) return;
    const [isFirst, before] = [version === 0, set];
    ({ value: set, version } = stored);
    if (!isFirst) onStored(set, before);
  }

  function look(): Promise<void> {
    looking ??= read().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  return {
    look,
    async refresh() {
      if (Math.abs(clock.now() - checkedAt) >= freshForMilliseconds) await look();
    },
    current: () => ({ set, version }),
  };
}
