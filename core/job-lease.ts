import type { Clock } from './clock.js';
import { type Job, jobs } from './job.js';
import { type Storage, StorageConflict, type Stored, update } from './storage.js';

/** For this long a claimed job is left to the process that claimed it (milliseconds). */
export const leaseTime = 120_000;

/** A job that this process alone does, for as long as it holds it. */
export interface Lease {
  /** The job as it was claimed, with the data as scheduled. */
  readonly job: Stored<Job>;
  /** Ends the lease. @returns the job as it stands now; undefined where somebody else wrote it. */
  release(): Promise<Stored<Job> | undefined>;
}

/**
 * Claims a job by compare-and-set: its `due` moves to the end of the lease, so that another process
 * finds it there if this one dies, and on as long as it is being done.
 * @returns undefined where somebody else was first.
 */
export async function claimJob(
  { storage, clock }: { readonly storage: Storage; readonly clock: Clock },
  job: Stored<Job>,
): Promise<Lease | undefined> {
  async function extend(held: Stored<Job>): Promise<Stored<Job> | undefined> {
    const value = { ...held.value, due: new Date(clock.now() + leaseTime).toISOString() };
    try {
      await storage.commit([update(jobs, held, value)]);
      return { ...held, value, version: held.version + 1 };
    } catch (error) {
      if (error instanceof StorageConflict) return undefined;
      throw error;
    }
  }

  const claimed = await extend(job);
  if (!claimed) return undefined;
  let held: Promise<Stored<Job> | undefined> = Promise.resolve(claimed);
  const renewal = setInterval(() => {
    // Where the store fails, the next renewal or the end of the lease decides.
    held = held.then((current) => current && extend(current).catch(() => current));
  }, leaseTime / 2).unref();

  return {
    job: claimed,
    release() {
      clearInterval(renewal);
      return held;
    },
  };
}
