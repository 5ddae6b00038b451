import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { createAlarm } from './alarm.js';
import type { Clock } from './clock.js';
import { type Job, type JobHandler, type JobOutcome, jobs, tellOfJobs } from './job.js';
import { claimJob, type Lease } from './job-lease.js';
import type { Logger } from './logger.js';
import {
  insert,
  remove,
  type Storage,
  StorageConflict,
  type Stored,
  update,
  type Write,
} from './storage.js';

/** Does jobs when they are due, each by one process alone. It sleeps while there are none. */
export interface Scheduler {
  /**
   * Begins. Jobs of a kind that none of the handlers does are left alone: a process of another
   * version beside this one may know them.
   */
  start(handlers: readonly JobHandler[]): void;
  /** Told when a job stored by this process is due, see {@link tellOfJobs}. */
  tell(due: Date): void;
  /** Begins nothing more and waits for what is under way, for at most `seconds`. */
  stop(seconds: number): Promise<void>;
}

interface Running {
  readonly lease: Lease;
  readonly work: Promise<void>;
  readonly lane: string | undefined;
}

interface SchedulerDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In [0, 1), as `Math.random`: spreads what failed together. */
  readonly random: () => number;
}

/** Jobs done at once, and those of one lane among them: some room is always for what is in none. */
const most = 12;
const laneWidth = 4;
/** Due jobs whose lane is full: what somebody waits for is due before them, see `orderSync`. */
const mostPassedOver = 200;
const pageSize = 16;
/** While jobs are stored: another process that scheduled an earlier one may have died. */
const longestSleep = 15 * 60_000;
const pauseAfterFailure = 60_000;
const firstRetry = 60_000;
const longestRetry = 6 * 3_600_000;
const retryAfterConflict = 1_000;

/** See {@link Scheduler}. */
export function createScheduler({ storage, clock, logger, random }: SchedulerDeps): Scheduler {
  const handlers = new Map<string, JobHandler>();
  const running = new Map<string, Running>();
  const alarm = createAlarm(clock, look);
  const telling = tellOfJobs(storage, tell);
  let state: 'stopped' | 'asleep' | 'looking' | 'looking again' = 'stopped';
  let looking = Promise.resolve();
  let moreDue = false;
  let stopListening: (() => void) | undefined;

  const isStopped = () => state === 'stopped';
  const after = (milliseconds: number) => new Date(clock.now() + milliseconds).toISOString();

  function tell(due: Date): void {
    if (isStopped()) return;
    if (due.getTime() <= clock.now()) look();
    else wakeAt(due.getTime());
  }

  const wakeAt = (time: number) => alarm.setFor(Math.min(time, clock.now() + longestSleep));

  function look(): void {
    if (state === 'asleep') looking = beginAll();
    else if (state !== 'stopped') state = 'looking again';
  }

  async function beginAll(): Promise<void> {
    alarm.clear();
    try {
      do {
        state = 'looking';
        await beginDue();
      } while (wantsAnotherLook());
    } catch (cause) {
      if (!isStopped()) logger.error({ cause }, 'jobs not examined');
      alarm.setFor(clock.now() + pauseAfterFailure);
    }
    if (isStopped()) alarm.clear();
    else state = 'asleep';
  }

  const wantsAnotherLook = () => state === 'looking again';

  /** Begins what is due as far as there is room, and sets the alarm for what comes next. */
  async function beginDue(): Promise<void> {
    const now = after(1);
    let unknown = false;
    let page: string | undefined;
    let passedOver = 0;
    moreDue = false;
    do {
      const query = { index: 'due', from: '', to: now, limit: pageSize, after: page };
      const due = await storage.find(jobs, query);
      for (const job of due.records) {
        const handler = handlers.get(job.value.kind);
        unknown ||= handler === undefined;
        if (!handler) continue;
        const lane = handler.lane?.(job);
        const waits = running.has(job.id) || isFull(lane);
        // One that is under way here and due again is looked at when it has ended.
        moreDue ||= waits || running.size >= most;
        if (waits) passedOver += 1;
        if (isStopped() || running.size >= most || passedOver > mostPassedOver) return;
        if (waits) continue;
        const lease = await claimJob({ storage, clock }, job);
        if (lease && isStopped()) await handBack(lease, job.value);
        else if (lease) begin(lease, handler, lane);
      }
      page = due.next;
    } while (page !== undefined);
    await sleepUntilNext(now, unknown);
  }

  function isFull(lane: string | undefined): boolean {
    if (lane === undefined) return false;
    return [...running.values()].filter((one) => one.lane === lane).length >= laneWidth;
  }

  /** Due as it was: another process need not wait for the lease to run out. */
  async function handBack(lease: Lease, before: Job): Promise<void> {
    const held = await lease.release();
    if (held) await telling.commit([update(jobs, held, before)]);
  }

  async function sleepUntilNext(now: string, unknown: boolean): Promise<void> {
    const limit = running.size + 1;
    const { records } = await storage.find(jobs, { index: 'due', from: now, limit });
    const next = records.find(({ id }) => !running.has(id));
    if (next) wakeAt(Date.parse(next.value.due));
    else if (unknown) wakeAt(Number.POSITIVE_INFINITY);
  }

  function begin(lease: Lease, handler: JobHandler, lane: string | undefined): void {
    const { id } = lease.job;
    const work = perform(lease, handler)
      .catch((cause) => {
        // Its lease runs out, and it is done again.
        if (!isStopped()) logger.error({ job: id, cause }, 'outcome of a job not stored');
        alarm.setFor(clock.now() + pauseAfterFailure);
      })
      .finally(() => {
        running.delete(id);
        if (moreDue) look();
      });
    running.set(id, { lease, work, lane });
  }

  async function perform(lease: Lease, handler: JobHandler): Promise<void> {
    let outcome: JobOutcome<unknown> | undefined;
    try {
      outcome = await handler.run(lease.job);
    } catch (cause) {
      logger.warn(
        { job: lease.job.id, failures: lease.job.value.failures + 1, cause },
        'job failed',
      );
    }
    const held = await lease.release();
    if (!held) return reportLost(lease.job);
    if (outcome) return settle(held, nextJob(held.value, outcome), outcome.writes);
    const { failures } = held.value;
    const due = after(pauseBeforeRetry(failures, random));
    await settle(held, { ...held.value, due, failures: failures + 1 }, []);
  }

  /** Commits what a job came to. A job that somebody wrote meanwhile is theirs, and nothing applies. */
  async function settle(held: Stored<Job>, next: Job | undefined, writes: readonly Write[]) {
    // First, so that a lost job stops the list on every engine.
    const own = next ? update(jobs, held, next) : remove(jobs, held.id, held.version);
    try {
      await telling.commit([own, ...writes]);
    } catch (error) {
      if (!(error instanceof StorageConflict)) throw error;
      if (error.write.position === 0) reportLost(held);
      else await repeat(held, next);
    }
  }

  /**
   * Has a job done again whose outcome met a change of what it is about. On an engine without
   * transactions the job itself has moved on by then.
   */
  async function repeat({ id, value: before }: Stored<Job>, next: Job | undefined): Promise<void> {
    const soon = { ...before, due: after(retryAfterConflict) };
    const current = await storage.get(jobs, id);
    const isOurs = [before, next].some((job) => isDeepStrictEqual(current?.value, job));
    if (current && !isOurs) return reportLost(current);
    await telling.commit([current ? update(jobs, current, soon) : insert(jobs, id, soon)]);
  }

  function reportLost({ id }: Stored<Job>): void {
    logger.info({ job: id }, 'job was rescheduled or taken over while it was done');
    wakeAt(Number.POSITIVE_INFINITY);
  }

  return {
    tell,
    start(given) {
      for (const handler of given) handlers.set(handler.kind, handler);
      state = 'asleep';
      stopListening = clock.onMove?.(look);
      look();
    },
    async stop(seconds) {
      state = 'stopped';
      stopListening?.();
      alarm.clear();
      const enough = new AbortController();
      const patience = wait(seconds * 1000, undefined, { signal: enough.signal });
      const ended = looking.then(() => Promise.all([...running.values()].map(({ work }) => work)));
      await Promise.race([ended, patience.catch(() => undefined)]);
      enough.abort();
      for (const { lease } of running.values()) void lease.release();
    },
  };
}

function nextJob(job: Job, { again }: JobOutcome<unknown>): Job | undefined {
  if (!again) return undefined;
  const { due, data = job.data } = again;
  return { ...job, due: due.toISOString(), failures: 0, data };
}

/** Doubles from one to two minutes up to three to six hours. */
function pauseBeforeRetry(failures: number, random: () => number): number {
  return Math.min(firstRetry * 2 ** failures, longestRetry / 2) * (1 + random());
}
