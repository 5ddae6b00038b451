import { DatabaseSync } from 'node:sqlite';
import { createOidcAdapterFactory } from '../../adapters/oidc/create-oidc-adapter-factory.js';
import { oidcCollections } from '../../adapters/oidc/oidc-collections.js';
import { createUnitOfWork } from '../../adapters/oidc/unit-of-work.js';
import { openStorage } from '../../adapters/open-storage.js';
import { insert, put, StorageConflict } from '../../core/storage.js';
import { createMovingClock } from './support/moving-clock.js';
import { notes, testCollections, tickets } from './support/test-collections.js';
import { removeTestDirectories, sqliteKind, type TestDatabase } from './support/test-database.js';

afterAll(removeTestDirectories);

const collections = [...testCollections, ...Object.values(oidcCollections)];

function openRaw({ url }: TestDatabase): DatabaseSync {
  return new DatabaseSync(url.slice('sqlite:'.length));
}

test('what expires is swept as fast as it is made, so that the file does not grow', async () => {
  const database = await sqliteKind.create();
  const clock = createMovingClock();
  const storage = await openStorage({ ...database, collections, clock });
  const sizes: number[] = [];
  const raw = openRaw(database);
  for (let round = 0; round < 30; round++) {
    const expiresAt = new Date(clock.now() + 10_000);
    const writes = Array.from({ length: 100 }, (_, n) =>
      insert(tickets, `${round}-${n}`, { text: 'x' }, expiresAt),
    );
    await Promise.all(writes.map((write) => storage.commit([write])));
    clock.advance(10);
    sizes.push(Number(raw.prepare('SELECT count(*) AS count FROM ticket').get()?.count));
  }
  raw.close();
  await storage.close();
  // Two are removed for each one made: never more than one round and its predecessor.
  expect(Math.max(...sizes)).toBeLessThanOrEqual(264);
});

test('writes wait while another process holds the lock, and reads do not', async () => {
  const database = await sqliteKind.create();
  const storage = await openStorage({ ...database, collections, clock: createMovingClock() });
  await storage.commit([put(notes, 'a', { text: 'before' })]);
  const other = openRaw(database);
  other.exec('BEGIN IMMEDIATE');
  let done = false;
  const commit = storage.commit([put(notes, 'a', { text: 'after' })]).then(() => {
    done = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(done).toBe(false);
  expect((await storage.get(notes, 'a'))?.value.text).toBe('before');
  other.exec('COMMIT');
  other.close();
  await commit;
  expect((await storage.get(notes, 'a'))?.value.text).toBe('after');
  await storage.close();
});

test('a store that cannot write fails every commit, never silently, and works again after', async () => {
  const database = await sqliteKind.create();
  const clock = createMovingClock();
  const storage = await openStorage({ ...database, collections, clock });
  const adapter = createOidcAdapterFactory({ unitOfWork: createUnitOfWork(storage, clock), clock });
  const raw = openRaw(database);
  raw.exec('ALTER TABLE replay_detection RENAME TO hidden');

  const outcomes = await Promise.allSettled([
    adapter('ReplayDetection').upsert('proof', { jti: 'proof' }, 60),
    storage.commit([put(notes, 'beside', { text: 'x' })]),
  ]);
  // A plain error, which the library answers with 500 server_error: no proof has passed.
  for (const outcome of outcomes) {
    expect(outcome.status).toBe('rejected');
    if (outcome.status === 'rejected') {
      expect(outcome.reason).not.toBeInstanceOf(StorageConflict);
      expect(outcome.reason).not.toHaveProperty('status');
      expect(outcome.reason.message).toContain('SQLite did not commit');
    }
  }
  expect(await storage.get(notes, 'beside')).toBeUndefined();

  raw.exec('ALTER TABLE hidden RENAME TO replay_detection');
  raw.close();
  await adapter('ReplayDetection').upsert('proof', { jti: 'proof' }, 60);
  await storage.commit([put(notes, 'beside', { text: 'x' })]);
  await storage.close();
});

test('a collection that was not opened is refused by name', async () => {
  const database = await sqliteKind.create();
  const clock = createMovingClock();
  const storage = await openStorage({ ...database, collections: [notes], clock });
  const commit = storage.commit([put(tickets, 'a', { text: 'a' })]);
  await expect(commit).rejects.toThrow('opened without the collection ticket');
  await storage.commit([put(notes, 'a', { text: 'a' })]);
  await storage.close();
});

test('a database without an index that is needed now is refused, not searched in part', async () => {
  const database = await sqliteKind.create();
  const clock = createMovingClock();
  const older = { ...notes, indexes: ['group'] };
  await (await openStorage({ ...database, collections: [older], clock })).close();
  const newer = openStorage({ ...database, collections: [notes], clock });
  await expect(newer).rejects.toThrow('its table note has no index time');
});
