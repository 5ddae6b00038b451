/** What a client has of people. */
export interface Holdings {
  readonly grants: Held;
  /** Links to banks; none in the bank role. */
  readonly connections: Held;
}

export interface Held {
  /** How many; at least as many where not everything was looked at. */
  readonly total: number;
  /** The first hundred. */
  readonly ids: readonly string[];
  readonly isComplete: boolean;
}

/** What a role knows of the people behind a client. */
export interface ClientHoldings {
  /** What is live now, looked at up to a bound. */
  list(clientId: string): Promise<Holdings>;
  /**
   * Ends some of what a client has, with its tokens, and takes it back at the banks; safe to repeat.
   * @returns where to go on, undefined where nothing is left.
   */
  endSome(clientId: string, after: string | undefined): Promise<string | undefined>;
}

const shown = 100;

/** What was found, for the one who asks. */
export function toHeld(ids: readonly string[], isComplete: boolean): Held {
  return { total: ids.length, ids: ids.slice(0, shown), isComplete };
}

/** For what there is none of. */
export const nothingHeld: Held = toHeld([], true);
