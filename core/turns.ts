/** Lets at most so many of a kind be under way at once; the others wait for them. */
export interface Turns {
  /**
   * Runs `work` when it is its turn, in the order in which they came; answers and throws as it does, and
   * throws what `whenFull` makes where too many wait already.
   */
  take<Result>(kind: string, work: () => Promise<Result>): Promise<Result>;
}

interface TurnsOptions {
  /** Of a kind. */
  readonly mostAtOnce: number;
  readonly mostWaiting: number;
  readonly whenFull: () => Error;
}

/** See {@link Turns}; for this process alone. A kind that nobody waits for takes no memory. */
export function createTurns({ mostAtOnce, mostWaiting, whenFull }: TurnsOptions): Turns {
  const kinds = new Map<string, { under: number; readonly waiting: (() => void)[] }>();
  return {
    async take(name, work) {
      const kind = kinds.get(name) ?? { under: 0, waiting: [] };
      if (kind.waiting.length >= mostWaiting) throw whenFull();
      kinds.set(name, kind);
      if (kind.under < mostAtOnce) kind.under++;
      // Whoever ends passes the turn on, so that nobody who comes in between takes it.
      else await new Promise<void>((resolve) => void kind.waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = kind.waiting.shift();
        if (next) next();
        else if (--kind.under === 0) kinds.delete(name);
      }
    },
  };
}
