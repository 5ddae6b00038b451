import type { Clock } from './clock.js';
import { connections } from './connection.js';
import type { Logger } from './logger.js';
import type { Storage } from './storage.js';

interface GiveUpDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes one pending connection back at its bank and removes it. Safe to repeat. */
  readonly abandon: (connectionId: string) => Promise<void>;
}

/** Connections given up in one round. */
const batch = 100;
/** Node's timers hold at most this many milliseconds. */
const longestTimer = 2_147_483_647;

/**
 * Gives up connections whose client never redeemed its code, so that nothing stays half-connected
 * here or at the bank. It sleeps until the next one is due, and not at all while there is none.
 */
export function createPendingWatch({ storage, clock, logger, abandon }: GiveUpDeps) {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function round(): Promise<void> {
    const now = new Date(clock.now()).toISOString();
    const due = await storage.find(connections, {
      index: 'pending',
      from: '',
      to: now,
      limit: batch,
    });
    for (const { id } of due.records) {
      await abandon(id).catch((cause) => logger.warn({ id, cause }, 'connection not given up'));
    }
    const next = await storage.find(connections, { index: 'pending', from: now, limit: 1 });
    const [first] = next.records;
    if (first?.value.pendingUntil) watch(new Date(first.value.pendingUntil));
  }

  /** Wakes when a connection made now would be given up. */
  function watch(due: Date): void {
    if (stopped || timer) return;
    const wait = Math.min(Math.max(0, due.getTime() - clock.now()) + 1000, longestTimer);
    timer = setTimeout(() => {
      timer = undefined;
      round().catch((cause) => logger.error({ cause }, 'pending connections not examined'));
    }, wait);
    timer.unref();
  }

  return {
    /** Looks once at start: another process may have left some. */
    start: round,
    watch,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
