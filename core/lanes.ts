/** A turn that has begun. */
export interface Turn {
  /** Ends it. @param milliseconds how long it took. */
  leave(milliseconds: number): void;
}

/** Lets at most so many of a kind be under way at once, so that slow ones leave room for the others. */
export interface Lanes {
  /**
   * Begins a turn, or says when to come back: in the order in which they came, at the pace at which
   * turns end. @param now milliseconds since the epoch.
   */
  enter(lane: string, now: number): Turn | { readonly comeBack: Date };
}

/** Before the first turn of a lane has ended (milliseconds). */
const firstPace = 100;

/** See {@link Lanes}; for this process alone. A lane without turns under way takes no memory. */
export function createLanes(width: number): Lanes {
  const lanes = new Map<string, { inside: number; pace: number; lastTurn: number }>();
  return {
    enter(name, now) {
      const lane = lanes.get(name) ?? { inside: 0, pace: firstPace, lastTurn: 0 };
      if (lane.inside >= width) {
        lane.lastTurn = Math.max(lane.lastTurn, now) + lane.pace;
        return { comeBack: new Date(Math.ceil(lane.lastTurn)) };
      }
      lanes.set(name, lane);
      lane.inside++;
      return {
        leave(milliseconds) {
          lane.inside--;
          lane.pace = milliseconds / width;
          if (lane.inside === 0) lanes.delete(name);
        },
      };
    },
  };
}
