import { randomInt } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { oidcCollections } from '../../adapters/oidc/oidc-collections.js';
import { openStorage } from '../../adapters/open-storage.js';
import { systemClock } from '../../core/clock.js';
import { consume, put, StorageConflict } from '../../core/storage.js';
import { runProcess, type TestProcess } from './support/processes/run-process.js';
import { notes, testCollections } from './support/test-collections.js';
import { removeTestDirectories, sqliteKind, type TestDatabase } from './support/test-database.js';

afterAll(removeTestDirectories);

const { AuthorizationCode, AccessToken } = oidcCollections;
const codes = Array.from({ length: 200 }, (_, n) => `code-${n}`);

function open(database: TestDatabase) {
  const collections = [...testCollections, ...Object.values(oidcCollections)];
  return openStorage({ ...database, collections, clock: systemClock });
}

async function storeCodes(database: TestDatabase): Promise<void> {
  const storage = await open(database);
  const expiresAt = new Date(Date.now() + 600_000);
  await storage.commit(codes.map((id) => put(AuthorizationCode, id, { jti: id }, expiresAt)));
  await storage.close();
}

async function waitForLines({ lines, child }: TestProcess, count: number): Promise<void> {
  while (lines.length < count && child.exitCode === null) await setTimeout(1);
}

describe('a process killed with SIGKILL', () => {
  test.each([1, 2, 3])('has lost no write it acknowledged, and halved none (%i)', async () => {
    const database = await sqliteKind.create();
    const writing = runProcess('write-numbers', database);
    await waitForLines(writing, randomInt(50, 2000));
    writing.child.kill('SIGKILL');
    await writing.ended();

    const storage = await open(database);
    const acknowledged = writing.lines.map(Number);
    expect(acknowledged.length).toBeGreaterThanOrEqual(50);
    for (const number of acknowledged) {
      expect((await storage.get(notes, `first-${number}`))?.value.text).toBe(`${number}`);
    }
    const last = Math.max(...acknowledged) + 20;
    for (let number = 1; number <= last; number++) {
      const first = await storage.get(notes, `first-${number}`);
      expect(await storage.get(notes, `second-${number}`)).toEqual(
        first && { ...first, id: `second-${number}`, version: expect.any(Number) },
      );
    }
    await storage.close();
  });

  test('in the middle of 200 code redemptions has lost none and lets none be redeemed twice', async () => {
    const database = await sqliteKind.create();
    await storeCodes(database);
    const redeeming = runProcess('redeem-codes', database);
    await waitForLines(redeeming, randomInt(2, 150));
    redeeming.child.kill('SIGKILL');
    await redeeming.ended();

    const storage = await open(database);
    const redeemed = new Set(redeeming.lines.slice(1));
    expect(redeemed.size).toBeGreaterThan(0);
    for (const code of codes) {
      const consumed = (await storage.get(AuthorizationCode, code))?.consumedAt !== undefined;
      const tokens = await storage.count(AccessToken, 'grantId', code);
      // Consumed and token stand or fall together, and an acknowledged one stands.
      expect(tokens).toBe(consumed ? 1 : 0);
      if (redeemed.has(code)) expect(consumed).toBe(true);
      const again = storage.commit([consume(AuthorizationCode, code)]);
      if (consumed) await expect(again).rejects.toThrow(StorageConflict);
      else await again;
    }
    await storage.close();
  });
});

test('of two processes redeeming the same 200 codes each code has one winner', async () => {
  const database = await sqliteKind.create();
  await storeCodes(database);
  const both = [runProcess('redeem-codes', database), runProcess('redeem-codes', database)];
  await Promise.all(both.map((one) => one.ended()));
  expect(both.map(({ child }) => child.exitCode)).toEqual([0, 0]);
  const redeemed = both.flatMap(({ lines }) => lines.slice(1));
  expect(redeemed.sort()).toEqual(codes.toSorted());
  const storage = await open(database);
  for (const code of codes) expect(await storage.count(AccessToken, 'grantId', code)).toBe(1);
  await storage.close();
});

test('an idle store does not keep a process alive, a commit under way does', async () => {
  const database = await sqliteKind.create();
  const idle = runProcess('open-and-idle', database);
  const timer = setTimeout(30_000, 'still running', { ref: false });
  expect(await Promise.race([idle.ended(), timer])).toBeUndefined();
  expect([idle.child.exitCode, idle.lines]).toEqual([0, ['committed']]);
  const storage = await open(database);
  expect((await storage.get(notes, 'last'))?.value.text).toBe('kept');
  await storage.close();
});
