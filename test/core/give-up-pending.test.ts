import { setTimeout as realTime } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { connections } from '../../core/connection.js';
import { createPendingWatch } from '../../core/give-up-pending.js';
import { put, remove } from '../../core/storage.js';
import { connectPerson } from '../api/support/connect-person.js';
import { startApi, type TestApi } from '../api/support/start-api.js';

const silent = { info: () => {}, warn: () => {}, error: () => {} };

let api: TestApi;
let failing: Set<string>;
let watch: ReturnType<typeof createPendingWatch>;

beforeEach(async () => {
  api = await startApi();
  failing = new Set();
  const { storage, clock } = api;
  watch = createPendingWatch({
    storage,
    clock,
    logger: silent,
    async abandon(id) {
      if (failing.has(id)) throw new Error('the store is lost');
      await storage.commit([remove(connections, id)]);
    },
  });
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'performance', 'Date'] });
});

afterEach(async () => {
  watch.stop();
  jest.useRealTimers();
  await api.stop();
});

/** Connections whose client had until `seconds` from now; negative ones are overdue. */
async function leavePending(count: number, seconds: number): Promise<string[]> {
  const { connectionId } = await connectPerson(api);
  const stored = await api.storage.get(connections, connectionId);
  if (!stored) throw new Error('no connection to copy');
  const pendingUntil = new Date(api.clock.now() + seconds * 1000).toISOString();
  const ids = Array.from({ length: count }, (_, index) => `north-bank:${seconds}-${index}`);
  await api.storage.commit(
    ids.map((id) => put(connections, id, { ...stored.value, id, status: 'pending', pendingUntil })),
  );
  return ids;
}

async function countPending(): Promise<number> {
  const query = { index: 'pending', from: '', limit: 1000 };
  return (await api.storage.find(connections, query)).records.length;
}

/** How many are pending once the work has come to rest: what waits for the store is real time. */
async function stillPending(): Promise<number> {
  for (let before = -1; ; ) {
    const count = await countPending();
    if (count === before) return count;
    before = count;
    await realTime(150);
  }
}

/** Moves the clock and the timers. */
async function wait(seconds: number): Promise<void> {
  api.clock.advance(seconds);
  await jest.advanceTimersByTimeAsync(seconds * 1000);
}

test('gives up all that is overdue at a start, however many', async () => {
  await leavePending(130, -5);
  watch.start();
  expect(await stillPending()).toBe(30);
  await wait(2);
  expect(await stillPending()).toBe(0);
});

test('sleeps until the next one is due', async () => {
  await leavePending(1, 300);
  watch.start();
  await stillPending();
  await wait(290);
  expect(await stillPending()).toBe(1);
  await wait(12);
  expect(await stillPending()).toBe(0);
});

test('one that could not be given up is tried again after a minute, and holds up no other', async () => {
  const [first = ''] = await leavePending(2, -5);
  failing.add(first);
  watch.start();
  expect(await stillPending()).toBe(1);
  failing.clear();
  await wait(62);
  expect(await stillPending()).toBe(0);
});

test('a connection that is due earlier than the one waited for is not late', async () => {
  await leavePending(1, 3000);
  watch.start();
  await stillPending();
  await leavePending(1, 100);
  watch.watch(new Date(api.clock.now() + 100_000));
  await wait(102);
  expect(await stillPending()).toBe(1);
});

test('does nothing once it is stopped', async () => {
  await leavePending(1, 10);
  watch.start();
  await stillPending();
  watch.stop();
  await wait(30);
  expect(await stillPending()).toBe(1);
});
