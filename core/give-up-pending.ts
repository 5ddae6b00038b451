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
/** Between rounds, at least; the longer one after a round that failed. Milliseconds. */
const shortestPause = 1000;
const pauseAfterFailure = 60_000;
/** Node's timers hold at most this many milliseconds. */
const longestTimer = 2_147_483_647;

/**
 * Gives up connections whose client never redeemed its code, so that nothing stays half-connected
 * here or at the bank. It sleeps until the next one is due, and not at all while there is none.
 */
export function createPendingWatch({ storage, clock, logger, abandon }: GiveUpDeps) {
  let timer: NodeJS.Timeout | undefined;
  let wakesAt = Number.POSITIVE_INFINITY;
  let stopped = false;

  async function pendingBefore(to: string | undefined, limit: number) {
    const query = { index: 'pending', from: '', ...(to !== undefined && { to }), limit };
    return (await storage.find(connections, query)).records;
  }

  /** @returns when to look again (milliseconds since the epoch), or undefined where nothing waits. */
  async function round(): Promise<number | undefined> {
    let failed = false;
    for (const { id } of await pendingBefore(new Date(clock.now()).toISOString(), batch)) {
      if (stopped) return undefined;
      try {
        await abandon(id);
      } catch (cause) {
        failed = true;
        logger.warn({ connectionId: id, cause }, 'connection not given up');
      }
    }
    if (failed) return clock.now() + pauseAfterFailure;
    const [next] = await pendingBefore(undefined, 1);
    return next?.value.pendingUntil === undefined ? undefined : Date.parse(next.value.pendingUntil);
  }

  async function look(): Promise<void> {
    try {
      const next = await round();
      if (next !== undefined) wakeAt(next);
    } catch (cause) {
      if (stopped) return;
      logger.error({ cause }, 'pending connections not examined');
      wakeAt(clock.now() + pauseAfterFailure);
    }
  }

  /** Looks at this time, or earlier where that was settled already. */
  function wakeAt(time: number): void {
    if (stopped || time >= wakesAt) return;
    clearTimeout(timer);
    wakesAt = time;
    const wait = Math.max(0, time - clock.now()) + shortestPause;
    timer = setTimeout(
      () => {
        wakesAt = Number.POSITIVE_INFINITY;
        void look();
      },
      Math.min(wait, longestTimer),
    );
    timer.unref();
  }

  return {
    /** Looks now: another process may have left some. Banks are not waited for. */
    start(): void {
      void look();
    },
    /** Told of a connection that is given up at `due` unless its client comes. */
    watch: (due: Date): void => wakeAt(due.getTime()),
    stop(): void {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
