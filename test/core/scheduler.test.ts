import { setTimeout as realTime } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { z } from 'zod';
import { openStorage } from '../../adapters/open-storage.js';
import type { StorageCall } from '../../adapters/sealed-storage.js';
import type { Clock } from '../../core/clock.js';
import {
  handleJob,
  type Job,
  type JobHandler,
  type JobKind,
  jobs,
  schedule,
  tellOfJobs,
  unschedule,
} from '../../core/job.js';
import { claimJob, leaseTime } from '../../core/job-lease.js';
import { createScheduler, type Scheduler } from '../../core/scheduler.js';
import {
  insert,
  put,
  type Storage,
  StorageConflict,
  type Stored,
  update,
  type Write,
} from '../../core/storage.js';
import { createMovingClock, type MovingClock } from '../adapters/support/moving-clock.js';
import { notes, testCollections } from '../adapters/support/test-collections.js';
import {
  removeTestDirectories,
  sqliteKind,
  type TestDatabase,
} from '../adapters/support/test-database.js';
import { eventually } from '../support/eventually.js';

const errand: JobKind<{ text: string }> = {
  name: 'errand',
  data: z.object({ text: z.string() }),
};
const minute = 60_000;

let database: TestDatabase;
let clock: MovingClock;
let log: object[];
let calls: StorageCall[];
let opened: Storage[];
let schedulers: Scheduler[];

beforeEach(async () => {
  database = await sqliteKind.create();
  clock = createMovingClock();
  [log, calls, opened, schedulers] = [[], [], [], []];
});

afterEach(async () => {
  jest.useRealTimers();
  await Promise.all(schedulers.map((scheduler) => scheduler.stop(1)));
  await Promise.all(opened.map((storage) => storage.close()));
});

afterAll(removeTestDirectories);

/** One process's view of the database: its store, and a scheduler that is told of its commits. */
async function openProcess(time: Clock = clock, wrap = (storage: Storage) => storage) {
  const collections = [...testCollections, jobs];
  const onCall = (call: StorageCall) => calls.push(call);
  const store = wrap(await openStorage({ ...database, collections, clock: time, onCall }));
  opened.push(store);
  const note = (fields: object) => log.push(fields);
  const logger = { info: note, warn: note, error: note };
  const scheduler = createScheduler({ storage: store, clock: time, logger, random: () => 0.5 });
  schedulers.push(scheduler);
  return { store, storage: tellOfJobs(store, scheduler.tell), scheduler };
}

function errands(run: (text: string) => Promise<void>): JobHandler {
  return handleJob(errand, async ({ text }) => {
    await run(text);
    return { writes: [] };
  });
}

const inMinutes = (count: number) => new Date(clock.now() + count * minute);
const ordered = (key: string, due = inMinutes(0)) => schedule(errand, key, due, { text: key });

async function jobOf(storage: Storage, key: string): Promise<Stored<Job>> {
  const stored = await storage.get(jobs, `errand:${key}`);
  if (!stored) throw new Error(`no job ${key}`);
  return stored;
}

test('of two schedulers on one file each of 200 jobs is done by one of them, once', async () => {
  const done: string[] = [];
  const [one, other] = [await openProcess(), await openProcess()];
  await one.store.commit(Array.from({ length: 200 }, (_, n) => ordered(`job-${n}`)));
  let busy = 0;
  let busiest = 0;
  const doing = (name: string) =>
    handleJob(errand, async ({ text }) => {
      busiest = Math.max(busiest, ++busy);
      await realTime(1);
      busy--;
      done.push(`${name} ${text}`);
      // Fails where it is done twice.
      return { writes: [insert(notes, text, { text })] };
    });
  one.scheduler.start([doing('one')]);
  other.scheduler.start([doing('other')]);
  await eventually(() => expect(done).toHaveLength(200));
  await eventually(async () => {
    const left = await one.store.find(jobs, { index: 'due', from: '', limit: 1 });
    expect(left.records).toEqual([]);
  });
  expect(new Set(done.map((line) => line.split(' ')[1])).size).toBe(200);
  expect(new Set(done.map((line) => line.split(' ')[0]))).toEqual(new Set(['one', 'other']));
  expect(busiest).toBeLessThanOrEqual(24);
  expect(log).toEqual([]);
});

test('a job whose process died is done by another when the lease is over, and not before', async () => {
  const done: string[] = [];
  const [dead, alive] = [await openProcess(), await openProcess()];
  await dead.store.commit([ordered('left')]);
  await claimJob({ storage: dead.store, clock }, await jobOf(dead.store, 'left'));
  // Each look asks twice, and what it claims it commits in between.
  const looked = () => eventually(() => expect(calls).toHaveLength(2));
  calls.length = 0;
  alive.scheduler.start([errands(async (text) => void done.push(text))]);
  await looked();
  calls.length = 0;
  clock.advance(leaseTime / 1000 - 5);
  await looked();
  expect(calls.map(({ operation }) => operation)).toEqual(['find', 'find']);
  clock.advance(10);
  await eventually(() => expect(done).toEqual(['left']));
});

test('a lease is renewed while the job is being done, however long', async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'performance', 'Date'] });
  let finish = () => {};
  let begun = 0;
  const slow = errands(() => {
    begun++;
    return new Promise((resolve) => {
      finish = resolve;
    });
  });
  const { scheduler, storage } = await openProcess();
  const other = await openProcess();
  scheduler.start([slow]);
  await storage.commit([ordered('long')]);
  await settled(() => begun === 1);
  other.scheduler.start([slow]);
  for (let step = 0; step < 6; step++) {
    clock.advance(leaseTime / 2000);
    const before = (await jobOf(storage, 'long')).version;
    await jest.advanceTimersByTimeAsync(leaseTime / 2);
    await settled(async () => (await jobOf(storage, 'long')).version > before);
  }
  expect(begun).toBe(1);
  finish();
  await settled(async () => (await storage.get(jobs, 'errand:long')) === undefined);
});

/** As {@link eventually}, while timers are not the real ones. */
async function settled(check: () => Promise<boolean> | boolean): Promise<void> {
  const until = performance.now() + 20_000;
  while (!(await check())) {
    if (performance.now() > until) throw new Error('it did not come to rest');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('what happens is committed with the job, and a job rescheduled meanwhile keeps its own', async () => {
  const { scheduler, storage } = await openProcess();
  const later = inMinutes(60);
  let first = true;
  scheduler.start([
    handleJob(errand, async ({ text }) => {
      if (first) await storage.commit([ordered(text, later)]);
      first = false;
      return { writes: [put(notes, 'outcome', { text })] };
    }),
  ]);
  await storage.commit([ordered('moved')]);
  await eventually(() => expect(log).toEqual([{ job: 'errand:moved' }]));
  expect(await storage.get(notes, 'outcome')).toBeUndefined();
  expect((await jobOf(storage, 'moved')).value.due).toBe(later.toISOString());
  clock.advance(3601);
  await eventually(async () => expect(await storage.get(notes, 'outcome')).toBeDefined());
  expect(await storage.get(jobs, 'errand:moved')).toBeUndefined();
});

test('a job that is scheduled anew while it is being done is done again, at once', async () => {
  const { scheduler, storage } = await openProcess();
  let runs = 0;
  scheduler.start([
    handleJob(errand, async ({ text }) => {
      runs++;
      if (runs === 1) await storage.commit([ordered(text)]);
      if (runs === 2) return { writes: [], again: { due: inMinutes(-1) } };
      return { writes: [] };
    }),
  ]);
  await storage.commit([ordered('anew')]);
  await eventually(async () => expect(await storage.get(jobs, 'errand:anew')).toBeUndefined());
  expect(runs).toBe(3);
});

/** Commits as MongoDB does it: one write after the other, the conditional ones first. */
function withoutTransactions(storage: Storage): Storage {
  const isConditional = ({ kind, ...rest }: Write) =>
    ['insert', 'update', 'consume'].includes(kind) || ('version' in rest && !!rest.version);
  return {
    ...storage,
    async commit(writes) {
      const [first, last] = [
        writes.filter(isConditional),
        writes.filter((one) => !isConditional(one)),
      ];
      for (const write of [...first, ...last]) {
        try {
          await storage.commit([write]);
        } catch (error) {
          if (!(error instanceof StorageConflict)) throw error;
          throw new StorageConflict({ ...error.write, position: writes.indexOf(write) });
        }
      }
    },
  };
}

test.each([
  ['whole commits', 'done with', (storage: Storage) => storage],
  ['whole commits', 'done again', (storage: Storage) => storage],
  ['a store without transactions', 'done with', withoutTransactions],
  ['a store without transactions', 'done again', withoutTransactions],
])(
  'with %s a job that is %s is thought over where its outcome meets a change',
  async (...given) => {
    const [, then, wrap] = given;
    const { scheduler, storage } = await openProcess(clock, wrap);
    await storage.commit([put(notes, 'about', { text: '0' })]);
    const seen: string[] = [];
    scheduler.start([
      handleJob(errand, async ({ text }) => {
        const about = await storage.get(notes, 'about');
        if (!about) throw new Error('gone');
        seen.push(text);
        if (seen.length === 1) await storage.commit([update(notes, about, { text: 'changed' })]);
        const writes = [update(notes, about, { text: `${about.value.text} and seen` })];
        if (then === 'done with') return { writes };
        return { writes, again: { due: inMinutes(60), data: { text: 'later' } } };
      }),
    ]);
    await storage.commit([ordered('a')]);
    await eventually(async () => {
      clock.advance(1);
      expect((await storage.get(notes, 'about'))?.value.text).toBe('changed and seen');
    });
    expect(seen).toEqual(['a', 'a']);
    const left = await storage.get(jobs, 'errand:a');
    expect(left?.value.data).toEqual(then === 'done with' ? undefined : { text: 'later' });
    expect(log).toEqual([]);
  },
);

test('a job that fails is tried again after growing pauses, of a minute to six hours', async () => {
  const { scheduler, storage } = await openProcess();
  let failing = true;
  let runs = 0;
  const data = new Set<string>();
  scheduler.start([
    handleJob(errand, async ({ text }, { failures }) => {
      data.add(text);
      runs++;
      if (failing) throw new Error(`failed after ${failures}`);
      return { writes: [], again: { due: inMinutes(5), data: { text: 'next' } } };
    }),
  ]);
  await storage.commit([ordered('weak')]);
  const pauses: number[] = [];
  for (let failures = 1; failures <= 12; failures++) {
    await eventually(async () =>
      expect((await jobOf(storage, 'weak')).value).toMatchObject({ failures }),
    );
    const { due } = (await jobOf(storage, 'weak')).value;
    pauses.push((Date.parse(due) - clock.now()) / minute);
    if (failures === 12) failing = false;
    clock.advance((pauses.at(-1) ?? 0) * 60);
  }
  expect(pauses).toEqual([1.5, 3, 6, 12, 24, 48, 96, 192, 270, 270, 270, 270]);
  expect(log[3]).toMatchObject({ job: 'errand:weak', failures: 4, cause: expect.any(Error) });
  await eventually(async () =>
    expect((await jobOf(storage, 'weak')).value).toEqual({
      kind: 'errand',
      key: 'weak',
      due: inMinutes(5).toISOString(),
      failures: 0,
      data: { text: 'next' },
    }),
  );
  expect([runs, [...data]]).toEqual([13, ['weak']]);
});

test('jobs of another version hold up nothing, and one with data of no sense is kept', async () => {
  const { scheduler, storage } = await openProcess();
  const done: string[] = [];
  const unknown: JobKind<null> = { name: 'unknown', data: z.null() };
  const old = Array.from({ length: 40 }, (_, n) => schedule(unknown, `${n}`, inMinutes(-9), null));
  const broken = { kind: 'errand', key: 'broken', due: inMinutes(-1).toISOString(), failures: 0 };
  await storage.commit([...old, put(jobs, 'errand:broken', { ...broken, data: 'nonsense' })]);
  const due = { index: 'due', to: inMinutes(-2).toISOString(), limit: 100 };
  const before = (await storage.find(jobs, due)).records.map(({ value }) => value);
  scheduler.start([errands(async (text) => void done.push(text))]);
  await storage.commit([ordered('known')]);
  await eventually(() => expect(done).toEqual(['known']));
  await eventually(async () => expect((await jobOf(storage, 'broken')).value.failures).toBe(1));
  await eventually(async () => expect(await storage.get(jobs, 'errand:known')).toBeUndefined());
  const { records } = await storage.find(jobs, { index: 'due', from: '', limit: 100 });
  expect(records).toHaveLength(41);
  expect(new Set(records.map(({ value }) => value))).toEqual(
    new Set([...before, (await jobOf(storage, 'broken')).value]),
  );
  // Once its last look is over; what does not come to rest is called on and on.
  await eventually(async () => {
    calls.length = 0;
    await realTime(200);
    expect(calls).toEqual([]);
  });
});

test('an idle scheduler asks nothing of the store; one that waits looks every quarter of an hour', async () => {
  const done: string[] = [];
  const { scheduler, storage } = await openProcess();
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'performance', 'Date'] });
  scheduler.start([errands(async (text) => void done.push(text))]);
  await storage.commit([ordered('first')]);
  await settled(() => done.length === 1);
  await settled(async () => (await storage.get(jobs, 'errand:first')) === undefined);
  const pass = async (minutes: number) => {
    clock.advance(minutes * 60);
    await jest.advanceTimersByTimeAsync(minutes * minute);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const isAsleep = async (timers: number) => {
    calls.length = 0;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return calls.length === 0 && jest.getTimerCount() === timers;
  };
  await settled(() => isAsleep(0));
  await jest.advanceTimersByTimeAsync(86_400_000);
  expect(calls).toEqual([]);

  await storage.commit([ordered('far', inMinutes(60 * 24 * 40))]);
  await settled(() => isAsleep(1));
  await jest.advanceTimersByTimeAsync(16 * minute);
  await settled(() => calls.length === 2);
  expect(calls.map(({ operation }) => operation)).toEqual(['find', 'find']);
  // Another process's, whose commit nobody here was told of.
  const other = await openProcess();
  await other.store.commit([ordered('untold', inMinutes(1))]);
  await pass(16);
  await settled(() => done.length === 2);
  expect(done).toEqual(['first', 'untold']);
});

test('is as early as the earliest job that it was told of, and follows a clock that is moved', async () => {
  const done: string[] = [];
  const { scheduler, storage } = await openProcess();
  scheduler.start([errands(async (text) => void done.push(text))]);
  await storage.commit([
    ordered('month', inMinutes(60 * 24 * 30)),
    ordered('day', inMinutes(1440)),
  ]);
  await storage.commit([ordered('gone', inMinutes(30)), ordered('hour', inMinutes(60))]);
  await storage.commit([unschedule(errand, 'gone')]);
  clock.advance(3601);
  await eventually(() => expect(done).toEqual(['hour']));
  clock.advance(86_400);
  await eventually(() => expect(done).toEqual(['hour', 'day']));
  clock.advance(86_400 * 30);
  await eventually(() => expect(done).toEqual(['hour', 'day', 'month']));

  // Without being told of the move, by its own timer.
  const { now } = clock;
  const quiet = await openProcess({ now });
  await scheduler.stop(1);
  quiet.scheduler.start([errands(async (text) => void done.push(text))]);
  await quiet.storage.commit([ordered('moment', new Date(clock.now() + 80))]);
  clock.advance(1);
  await eventually(() => expect(done).toHaveLength(4));
});

test('a stop waits for what is under way, not for ever, and begins nothing more', async () => {
  const begun: string[] = [];
  let finish = () => {};
  const { scheduler, storage } = await openProcess();
  scheduler.start([
    errands((text) => {
      begun.push(text);
      return new Promise((resolve) => {
        finish = resolve;
      });
    }),
  ]);
  await storage.commit([ordered('running')]);
  await eventually(() => expect(begun).toEqual(['running']));
  const stopped = scheduler.stop(5);
  await storage.commit([ordered('late')]);
  const late = await jobOf(storage, 'late');
  finish();
  await stopped;
  expect(await storage.get(jobs, 'errand:running')).toBeUndefined();
  expect(await jobOf(storage, 'late')).toEqual(late);

  const other = await openProcess();
  other.scheduler.start([errands(() => new Promise(() => {}))]);
  await eventually(async () => expect(await jobOf(storage, 'late')).not.toEqual(late));
  const before = performance.now();
  await other.scheduler.stop(0.1);
  expect(performance.now() - before).toBeLessThan(10_000);
});

test('a job that is being claimed at the stop is given back, and never begun', async () => {
  const begun: string[] = [];
  const claiming = Promise.withResolvers<void>();
  const slow = Promise.withResolvers<void>();
  const { scheduler, store } = await openProcess(clock, (storage) => ({
    ...storage,
    async commit(writes) {
      if (writes.some(({ kind }) => kind === 'update')) {
        claiming.resolve();
        await slow.promise;
      }
      await storage.commit(writes);
    },
  }));
  await store.commit([ordered('one')]);
  const { value } = await jobOf(store, 'one');
  scheduler.start([errands(async (text) => void begun.push(text))]);
  await claiming.promise;
  const stopped = scheduler.stop(5);
  slow.resolve();
  await stopped;
  expect((await jobOf(store, 'one')).value).toEqual(value);
  expect(begun).toEqual([]);
});

test('jobs that nobody waits for leave room, however many they are and however slow', async () => {
  const begun: string[] = [];
  const end = Promise.withResolvers<void>();
  const { scheduler, storage } = await openProcess();
  const run = async ({ text }: { text: string }) => {
    begun.push(text);
    if (text !== 'awaited') await end.promise;
    return { writes: [] };
  };
  await storage.commit(
    Array.from({ length: 300 }, (_, n) => ordered(n % 2 ? `left ${n}` : `right ${n}`)),
  );
  const laneOf = ({ text }: { text: string }) => text.split(' ')[text === 'awaited' ? 1 : 0];
  scheduler.start([handleJob(errand, run, laneOf)]);
  await eventually(() => expect(begun).toHaveLength(8));
  await storage.commit([ordered('awaited', inMinutes(-24 * 60))]);
  await eventually(() => expect(begun).toContain('awaited'));
  expect(begun).toHaveLength(9);
  end.resolve();
  await eventually(() => expect(begun).toHaveLength(301));
});

test('a job that was taken off and scheduled anew while it was done is kept', async () => {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const { scheduler, storage } = await openProcess();
  await storage.commit([ordered('one')]);
  scheduler.start([
    errands(async () => {
      begun.resolve();
      await end.promise;
    }),
  ]);
  await begun.promise;
  await storage.commit([unschedule(errand, 'one')]);
  // Written as often as the one that is being done, which was scheduled and claimed.
  await storage.commit([ordered('one', inMinutes(60))]);
  await storage.commit([ordered('one', inMinutes(60))]);
  end.resolve();
  await eventually(() => expect(log).toHaveLength(1));
  expect((await jobOf(storage, 'one')).value.due).toBe(inMinutes(60).toISOString());
});
