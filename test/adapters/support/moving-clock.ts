import type { Clock } from '../../../core/clock.js';

/** A clock that stands still until it is moved. */
export interface MovingClock extends Required<Clock> {
  advance(seconds: number): void;
}

/** Starts at the system's time, because MongoDB's own sweep goes by that. */
export function createMovingClock(): MovingClock {
  let now = Date.now();
  const listeners = new Set<() => void>();
  return {
    now: () => now,
    advance(seconds) {
      now += seconds * 1000;
      for (const listener of listeners) listener();
    },
    onMove(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
