import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemErrorCode } from '../config/system-error-code.js';
import { type Clock, systemClock } from '../core/clock.js';
import { Refusal } from '../core/refusal.js';
import { writePrivateFile } from './write-private-file.js';

/** A clock that an operator moves by hand. */
export interface MovableClock extends Required<Clock> {
  /**
   * Moves to a later time, at most five years ahead of the real one, and keeps it for the next start.
   * Never back: what has expired and was acted upon would be valid again, used codes and proofs could
   * be used once more, and no product has to bear that.
   * @throws {Refusal} `invalid_request`
   */
  moveTo(time: Date): Promise<void>;
}

const stateSchema = z.object({ aheadMilliseconds: z.int().nonnegative() });

/** How far ahead of the real time it goes, at most. */
export const furthestDays = 5 * 366;
const furthest = furthestDays * 86_400_000;

/**
 * A clock that runs ahead of another by as much as it was moved.
 * @param file where that is kept.
 * @throws Error where the file is damaged: to begin anew would be to go back.
 */
export async function openMovableClock(
  file: string,
  real: Clock = systemClock,
): Promise<MovableClock> {
  const listeners = new Set<() => void>();
  let ahead = await readAhead(file);
  let lastMove: Promise<unknown> = Promise.resolve();

  async function move(time: Date): Promise<void> {
    const wanted = time.getTime() - real.now();
    if (wanted <= ahead) throw backwards();
    if (wanted > furthest) {
      throw new Refusal('invalid_request', 'That is more than five years ahead of the real time.');
    }
    await writePrivateFile(file, `${JSON.stringify({ aheadMilliseconds: wanted })}\n`);
    ahead = wanted;
    for (const listener of listeners) listener();
  }

  return {
    now: () => real.now() + ahead,
    onMove(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    moveTo(time) {
      // One after the other: the file is not to say less than the clock.
      const moved = lastMove.then(() => move(time));
      lastMove = moved.catch(() => undefined);
      return moved;
    },
  };
}

/** What a move into the past comes to. */
export function backwards(): Refusal {
  return new Refusal('invalid_request', 'Time moves forwards only.');
}

async function readAhead(file: string): Promise<number> {
  try {
    return stateSchema.parse(JSON.parse(await readFile(file, 'utf8'))).aheadMilliseconds;
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') return 0;
    throw new Error(`${file} does not say how far the sandbox's time was moved`, { cause });
  }
}
