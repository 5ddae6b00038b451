import { setTimeout as wait } from 'node:timers/promises';
import type { Storage } from './storage.js';
import { type Sync, syncs } from './sync.js';

/** Waiting for a sync, whichever process does it. */
export interface SyncWatch {
  /**
   * Waits until a sync has come that far, or the time is over.
   * @returns it as it is then; undefined where it is gone.
   */
  until(syncId: string, reached: SyncStage, seconds: number): Promise<Sync | undefined>;
  /** Told by whoever does a sync in this process when it has come further. */
  tell(syncId: string): void;
}

/** `first-part`: the accounts and the last 90 days are in. Both are reached when it has failed. */
export type SyncStage = 'first-part' | 'end';

/** Between two looks where another process does the sync (milliseconds). */
const pollPause = 500;

/** See {@link SyncWatch}. */
export function createSyncWatch(storage: Pick<Storage, 'get'>): SyncWatch {
  const listeners = new Set<{ readonly syncId: string; readonly told: () => void }>();

  return {
    tell(syncId) {
      for (const listener of listeners) if (listener.syncId === syncId) listener.told();
    },

    async until(syncId, reached, seconds) {
      let told = () => {};
      const listener = { syncId, told: () => told() };
      const enough = new AbortController();
      let isOver = false;
      const patience = wait(seconds * 1000, undefined, { signal: enough.signal })
        .catch(() => undefined)
        .then(() => {
          isOver = true;
        });
      listeners.add(listener);
      try {
        while (true) {
          // Before the look, so that nothing is missed in between.
          const news = new Promise<void>((resolve) => {
            told = resolve;
          });
          const sync = (await storage.get(syncs, syncId))?.value;
          if (isOver || !sync || hasReached(sync, reached)) return sync;
          await Promise.race([news, wait(pollPause, undefined, { ref: false }), patience]);
        }
      } finally {
        listeners.delete(listener);
        enough.abort();
      }
    },
  };
}

function hasReached({ fetchStatus, firstPartAt }: Sync, stage: SyncStage): boolean {
  return fetchStatus !== undefined || (stage === 'first-part' && firstPartAt !== undefined);
}
