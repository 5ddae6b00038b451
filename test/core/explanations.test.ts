import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { openStorage } from '../../adapters/open-storage.js';
import { createExplanations, type Explanations, explanations } from '../../core/explanation.js';
import type { Storage } from '../../core/storage.js';
import { createLogger } from '../../create-logger.js';
import { createMovingClock, type MovingClock } from '../adapters/support/moving-clock.js';
import { removeTestDirectories, sqliteKind } from '../adapters/support/test-database.js';

let storage: Storage;
let clock: MovingClock;
let remembered: Explanations;
let drawn: number[];
let commits: number;

beforeEach(async () => {
  clock = createMovingClock();
  drawn = [];
  commits = 0;
  storage = await openStorage({
    ...(await sqliteKind.create()),
    collections: [explanations],
    clock,
    onCall: ({ operation }) => {
      if (operation === 'commit') commits += 1;
    },
  });
  remembered = createExplanations({
    storage,
    clock,
    logger: createLogger('silent'),
    // What the test says, then what chance is worst: the first place, always.
    random: () => drawn.shift() ?? 0,
  });
});
afterEach(() => storage.close());
afterAll(removeTestDirectories);

const refuse = (traceId: string) =>
  remembered.record({
    ...{ traceId, clientId: 'app', authenticated: true },
    ...{ endpoint: 'token', error: 'invalid_grant', rules: [] },
  });
const known = async () => (await remembered.list('app')).map(({ traceId }) => traceId).sort();

test('a refusal takes the place of no other while the client has others that are empty', async () => {
  drawn = [0.5, 0.5, 0.5, 0.5, 0.7];
  refuse('one');
  await remembered.settle();
  refuse('two');
  await remembered.settle();
  expect(await known()).toEqual(['one', 'two']);
});

test('of two at one moment neither takes the place of the other', async () => {
  drawn = [0.5, 0.5, 0.6];
  refuse('one');
  refuse('two');
  await remembered.settle();
  expect(await known()).toEqual(['one', 'two']);
});

test('a client that has no place left gives one of them to the latest', async () => {
  refuse('one');
  await remembered.settle();
  refuse('two');
  await remembered.settle();
  expect(await known()).toEqual(['two']);
});

test('a client that has no place left costs one commit for each of the next, for a minute', async () => {
  for (const traceId of ['one', 'two']) {
    refuse(traceId);
    await remembered.settle();
  }
  commits = 0;
  refuse('three');
  await remembered.settle();
  expect([commits, await known()]).toEqual([1, ['three']]);
  // Its places may be empty again.
  clock.advance(60);
  drawn = [0.5];
  refuse('four');
  await remembered.settle();
  expect(await known()).toEqual(['four', 'three']);
});

test('what strangers are refused in the names of clients hides nothing that a client is refused', async () => {
  for (let name = 0; name < 20; name++) {
    for (let time = 0; time < 60; time++) {
      remembered.record({
        ...{ traceId: `${name}-${time}`, clientId: `client-${name}`, authenticated: false },
        ...{ endpoint: 'authorization', error: 'invalid_request', rules: [] },
      });
    }
  }
  refuse('its own');
  await remembered.settle();
  expect(await known()).toEqual(['its own']);
});
