import { type Clock, systemClock } from '../../../core/clock.js';

/** A clock that goes forward where it is moved. */
export interface MovingClock extends Required<Clock> {
  advance(seconds: number): void;
}

/** One that stands still until it is moved. It starts at the system's time, because MongoDB's own sweep goes by that. */
export function createMovingClock(): MovingClock {
  const start = systemClock.now();
  return moved(() => start);
}

/** One that runs, and ahead of the system's by as much as it was moved: no two moments are the same for it. */
export function createRunningClock(): MovingClock {
  return moved(systemClock.now);
}

function moved(unmoved: () => number): MovingClock {
  let ahead = 0;
  const listeners = new Set<() => void>();
  return {
    now: () => unmoved() + ahead,
    advance(seconds) {
      ahead += seconds * 1000;
      for (const listener of listeners) listener();
    },
    onMove(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
