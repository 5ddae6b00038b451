/** Time as a port (architecture decision 19): production reads the system's, tests move their own. */
export interface Clock {
  /** Milliseconds since the epoch, as `Date.now()`. */
  now(): number;
  /**
   * Where somebody may move the time by hand: calls `listener` after each move.
   * @returns what ends that.
   */
  onMove?(listener: () => void): () => void;
}

/** The real time, also where `Date` follows another clock (`provider/library-clock.ts`). */
export const systemClock: Clock = { now: Date.now };
