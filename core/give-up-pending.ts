import { z } from 'zod';
import { handleJob, type JobHandler, type JobKind, schedule, unschedule } from './job.js';
import type { Write } from './storage.js';

const giveUpPending: JobKind<null> = { name: 'give-up-pending', data: z.null() };

/**
 * The write that has a pending connection given up, so that nothing stays half-connected here or at
 * the bank: it belongs into the commit that makes the connection.
 * @param due when its client could no longer redeem the code.
 */
export function giveUpPendingAt(connectionId: string, due: Date): Write {
  return schedule(giveUpPending, connectionId, due, null);
}

/** The write for the commit that ends the waiting. */
export function keepPending(connectionId: string): Write {
  return unschedule(giveUpPending, connectionId);
}

/** @param abandon takes one pending connection back at its bank and removes it; safe to repeat. */
export function createGiveUpHandler(abandon: (connectionId: string) => Promise<void>): JobHandler {
  return handleJob(giveUpPending, async (_none, { key }) => {
    await abandon(key);
    return { writes: [] };
  });
}
