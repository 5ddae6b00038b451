import type { ReplayStore } from './access-token.js';

/** Beyond this many, the oldest are looked at for removal on each use. */
const sweepAbove = 1000;

/**
 * Remembers within one process. A resource of several processes needs a store that they share, or a
 * proof works once in each.
 * @param now milliseconds since the epoch.
 */
export function createMemoryReplays(now: () => number = Date.now): ReplayStore {
  const used = new Map<string, number>();

  /** Entries are in the order of use, and all live about as long. */
  function sweep(): void {
    for (const [id, until] of used) {
      if (until > now()) return;
      used.delete(id);
    }
  }

  return {
    async use(id, until) {
      if (used.size > sweepAbove) sweep();
      const before = used.get(id);
      if (before !== undefined && before > now()) return false;
      used.delete(id);
      used.set(id, until.getTime());
      return true;
    },
  };
}
