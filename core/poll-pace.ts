import type { Clock } from './clock.js';
import { type Collection, insert, type Storage, StorageConflict, update } from './storage.js';

/** Seconds between two polls of one request, until a client is told to slow down (CIBA Core §7.3). */
export const pollInterval = 5;

/** By how many seconds the interval grows each time (CIBA Core §11, `slow_down`). */
const slowDown = 5;
/** A client that waits as long as it was told may still come a little early, by way of the network. */
const toleranceMilliseconds = 500;

/** How a client has polled for one request; by its `auth_req_id`. */
export const polls: Collection<{ readonly at: number; readonly interval: number }> = {
  name: 'backchannel_poll',
  secretIds: true,
  indexes: [],
  indexValues: () => ({}),
};

/**
 * Notes a poll for a request that still waits, for all processes alike.
 * @param until when the note can be forgotten.
 * @returns false where it came too soon: the client has to wait longer from now on.
 */
export async function notePoll(
  { storage, clock }: { readonly storage: Storage; readonly clock: Clock },
  authReqId: string,
  until: Date,
): Promise<boolean> {
  const stored = await storage.get(polls, authReqId);
  const at = clock.now();
  const { at: before = 0, interval = pollInterval } = stored?.value ?? {};
  const isInTime = at - before >= interval * 1000 - toleranceMilliseconds;
  const next = { at, interval: isInTime ? interval : interval + slowDown };
  try {
    await storage.commit([
      stored ? update(polls, stored, next, until) : insert(polls, authReqId, next, until),
    ]);
    return isInTime;
  } catch (error) {
    // Another poll came at the same moment.
    if (error instanceof StorageConflict) return false;
    throw error;
  }
}
