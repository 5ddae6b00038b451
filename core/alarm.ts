import type { Clock } from './clock.js';

/** A timer that knows the earliest of the times it was given, and keeps no process alive. */
export interface Alarm {
  /** Rings at this time (milliseconds since the epoch), or earlier where that was settled already. */
  setFor(time: number): void;
  clear(): void;
}

/** Node's timers hold at most this many milliseconds; a later time rings early. */
const longestTimer = 2_147_483_647;

/** See {@link Alarm}. `ring` is called once for all times that were given since it last rang. */
export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let ringsAt = Number.POSITIVE_INFINITY;

  function clear(): void {
    clearTimeout(timer);
    ringsAt = Number.POSITIVE_INFINITY;
  }

  return {
    clear,
    setFor(time) {
      if (time >= ringsAt) return;
      clear();
      ringsAt = time;
      const wait = Math.min(Math.max(0, time - clock.now()), longestTimer);
      timer = setTimeout(() => {
        clear();
        ring();
      }, wait).unref();
    },
  };
}
