import { expect, test } from '@jest/globals';
import { createMemoryReplays } from '../../resource/memory-replays.js';

/* The default of `createResource`: proofs that one process has seen. */

const minute = 60_000;

test('an id works once until its time, of many at once for one, and then again', async () => {
  let now = 1_000_000;
  const replays = createMemoryReplays(() => now);
  const until = new Date(now + minute);
  const answers = await Promise.all(Array.from({ length: 50 }, () => replays.use('id', until)));
  expect(answers.filter(Boolean)).toHaveLength(1);
  expect(await replays.use('another', until)).toBe(true);
  now = until.getTime() - 1;
  expect(await replays.use('id', until)).toBe(false);
  now = until.getTime();
  expect(await replays.use('id', new Date(now + minute))).toBe(true);
});

test('none of those that count is forgotten for the number of others', async () => {
  let now = 1_000_000;
  const replays = createMemoryReplays(() => now);
  const ids = Array.from({ length: 3000 }, (_, index) => `id-${index}`);
  for (const id of ids) {
    now += 10;
    expect(await replays.use(id, new Date(now + minute))).toBe(true);
  }
  const again = await Promise.all(ids.map((id) => replays.use(id, new Date(now + minute))));
  expect(again).not.toContain(true);
});
