import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { z } from 'zod';
import { openStorage } from '../../adapters/open-storage.js';
import { clientLogos, createLogoHandler, fetchLogoAt } from '../../core/client-logo.js';
import { handleJob, type JobKind, jobs, schedule, tellOfJobs } from '../../core/job.js';
import { createScheduler } from '../../core/scheduler.js';
import { createRunningClock } from '../adapters/support/moving-clock.js';
import { removeTestDirectories, sqliteKind } from '../adapters/support/test-database.js';
import { eventually } from '../support/eventually.js';

const errand: JobKind<object> = { name: 'errand', data: z.object({}) };
const ignore = () => undefined;
const logger = { info: ignore, warn: ignore, error: ignore };

let stop: () => Promise<void>;
let process: Awaited<ReturnType<typeof open>>;

async function open() {
  const clock = createRunningClock();
  const collections = [jobs, clientLogos];
  const store = await openStorage({ ...(await sqliteKind.create()), collections, clock });
  const scheduler = createScheduler({ storage: store, clock, logger, random: () => 0.5 });
  stop = async () => {
    await scheduler.stop(1);
    await store.close();
  };
  return { clock, store, scheduler, storage: tellOfJobs(store, scheduler.tell) };
}

beforeEach(async () => {
  process = await open();
});
afterEach(() => stop());
afterAll(removeTestDirectories);

test('SEC-46: logos whose servers are silent hold up nothing else, however many they are', async () => {
  const { clock, store, scheduler, storage } = process;
  let [asked, most, under, done] = [0, 0, 0, 0];
  const pending: (() => void)[] = [];
  const logos = createLogoHandler({
    ...{ storage: store, clock, logger },
    async load() {
      asked++;
      most = Math.max(most, ++under);
      await new Promise<void>((resolve) => pending.push(resolve));
      under--;
      return { problem: 'silent', mayPass: false };
    },
  });
  const errands = handleJob(errand, async () => {
    done++;
    return { writes: [] };
  });
  const at = (milliseconds: number) => new Date(clock.now() + milliseconds);
  await storage.commit(
    Array.from({ length: 300 }, (_, n) => fetchLogoAt(`client-${n}`, 'https://a.example', at(-9))),
  );
  scheduler.start([logos, errands]);
  await eventually(() => expect(asked).toBe(4));
  await storage.commit([schedule(errand, 'one', at(0), {})]);
  await eventually(() => expect(done).toBe(1));
  expect(most).toBe(4);
  // Those that waited come in their turn.
  const answer = setInterval(() => {
    for (const resolve of pending.splice(0)) resolve();
  }, 1);
  await eventually(() => expect(asked).toBeGreaterThan(20));
  clearInterval(answer);
  for (const resolve of pending.splice(0)) resolve();
  expect(most).toBe(4);
});
