import type { z } from 'zod';
import { type Collection, put, remove, type Storage, type Stored, type Write } from './storage.js';

/**
 * Something to be done at a time, by one process alone (`core/scheduler.ts`). Its id is
 * `<kind>:<key>`, so that scheduling the same thing again moves it.
 */
export interface Job {
  readonly kind: string;
  readonly key: string;
  /** ISO 8601: not before; while a process does it, the end of that process's lease. */
  readonly due: string;
  /** How often it failed since it last succeeded. */
  readonly failures: number;
  readonly data: unknown;
}

/** Jobs by id, and by the time they are due. */
export const jobs: Collection<Job> = {
  name: 'job',
  indexes: ['due'],
  indexValues: ({ due }) => ({ due }),
};

/** A kind of job: its name, lower-case words joined by `-`, and what it is told. */
export interface JobKind<Data> {
  readonly name: string;
  readonly data: z.ZodType<Data>;
}

/** What doing a job came to, committed together with the job's own change. */
export interface JobOutcome<Data> {
  readonly writes: readonly Write[];
  /** When to do it next and what to tell it then; absent where it is done with. */
  readonly again?: { readonly due: Date; readonly data?: Data } | undefined;
}

/** How a kind of job is done, see {@link handleJob}. */
export interface JobHandler {
  readonly kind: string;
  run(job: Stored<Job>): Promise<JobOutcome<unknown>>;
  /**
   * The lane of a job that nobody waits for: a process does a few of one lane at once, so that there
   * is always room for what somebody waits for. Absent or undefined where somebody does.
   */
  lane?(job: Stored<Job>): string | undefined;
}

/** What a handler knows of the job besides its data. */
export interface JobContext {
  readonly key: string;
  /** How often it failed since it last succeeded. */
  readonly failures: number;
}

/**
 * The function that does a kind of job. It may be called again for the same job, after a crash or a
 * lost lease: what it commits is committed once, what it does elsewhere must bear repeating. What it
 * throws is logged, and the job tried again with growing pauses.
 * @param laneOf see {@link JobHandler.lane}.
 */
export function handleJob<Data>(
  kind: JobKind<Data>,
  run: (data: Data, context: JobContext) => Promise<JobOutcome<Data>>,
  laneOf: (data: Data) => string | undefined = () => undefined,
): JobHandler {
  return {
    kind: kind.name,
    run: ({ value: { key, failures, data } }) => run(kind.data.parse(data), { key, failures }),
    lane({ value }) {
      const { success, data } = kind.data.safeParse(value.data);
      return success ? laneOf(data) : undefined;
    },
  };
}

/** Schedules a job, or moves it where it is scheduled already. */
export function schedule<Data>(kind: JobKind<Data>, key: string, due: Date, data: Data): Write {
  const job = { kind: kind.name, key, due: due.toISOString(), failures: 0, data };
  return put(jobs, jobId(kind, key), job);
}

/** Takes a job off the schedule; none there is no error. */
export function unschedule(kind: Pick<JobKind<unknown>, 'name'>, key: string): Write {
  return remove(jobs, jobId(kind, key));
}

/** What a job is told, for one who does it out of turn; undefined where it is not scheduled. */
export async function readJob<Data>(
  storage: Pick<Storage, 'get'>,
  kind: JobKind<Data>,
  key: string,
): Promise<Data | undefined> {
  const job = await storage.get(jobs, jobId(kind, key));
  return job && kind.data.parse(job.value.data);
}

function jobId({ name }: { readonly name: string }, key: string): string {
  return `${name}:${key}`;
}

/**
 * A storage that tells of each job scheduled through it, once its commit is durable: so nobody who
 * schedules has to wake anybody, and nobody has to poll.
 * @param tell the earliest time at which a job of the commit is due.
 */
export function tellOfJobs(storage: Storage, tell: (due: Date) => void): Storage {
  return {
    get: (collection, id) => storage.get(collection, id),
    find: (collection, query) => storage.find(collection, query),
    count: (collection, index, equals) => storage.count(collection, index, equals),
    close: () => storage.close(),
    async commit(writes) {
      await storage.commit(writes);
      const due = writes.flatMap((write) => {
        const written = write.collection.name === jobs.name && 'value' in write && write.value;
        return isJob(written) ? [Date.parse(written.due)] : [];
      });
      if (due.length > 0) tell(new Date(Math.min(...due)));
    },
  };
}

function isJob(value: unknown): value is Job {
  return typeof value === 'object' && value !== null && 'due' in value && 'kind' in value;
}
