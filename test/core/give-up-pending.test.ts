import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connections } from '../../core/connection.js';
import { giveUpPendingAt, keepPending } from '../../core/give-up-pending.js';
import { InstitutionError } from '../../core/institution.js';
import { put, update } from '../../core/storage.js';
import { connectPerson } from '../api/support/connect-person.js';
import { startApi, type TestApi } from '../api/support/start-api.js';

let api: TestApi;

beforeEach(async () => {
  api = await startApi();
});

afterEach(() => api.stop());

/** Connections whose client had until `seconds` from now; negative ones are overdue. */
async function leavePending(count: number, seconds: number): Promise<void> {
  const { connectionId } = await connectPerson(api);
  const stored = await api.storage.get(connections, connectionId);
  if (!stored) throw new Error('no connection to copy');
  const until = new Date(api.clock.now() + seconds * 1000);
  const ids = Array.from({ length: count }, (_, index) => `north-bank:${seconds}-${index}`);
  const pending = {
    ...stored.value,
    status: 'pending',
    pendingUntil: until.toISOString(),
  } as const;
  await api.storage.commit(
    ids.flatMap((id) => [
      put(connections, id, { ...pending, id, authorization: { of: id } }),
      giveUpPendingAt(id, until),
    ]),
  );
}

/** Which are pending once this many are. */
async function untilPending(count: number): Promise<void> {
  while ((await api.waiting('give-up-pending')).length !== count) await setImmediate();
}

test('gives up all that is overdue at a start, however many, and withdraws them at the bank', async () => {
  await leavePending(40, -5);
  await leavePending(1, 300);
  api.doJobs();
  await untilPending(1);
  while (api.bank.revoked.length < 40) await setImmediate();
  expect(await api.storage.get(connections, 'north-bank:-5-39')).toBeUndefined();
  expect(await api.storage.get(connections, 'north-bank:300-0')).toBeDefined();
  api.clock.advance(301);
  await untilPending(0);
  expect(await api.storage.get(connections, 'north-bank:300-0')).toBeUndefined();
});

test('a bank that is down holds up nothing here, and hears of it later', async () => {
  await leavePending(2, -5);
  api.bank.faults.revoke = new InstitutionError('unavailable', 'down');
  api.doJobs();
  await untilPending(0);
  expect(await api.storage.get(connections, 'north-bank:-5-0')).toBeUndefined();
  expect(await api.waiting('withdraw')).toHaveLength(2);
  api.bank.faults = {};
  api.clock.advance(61);
  while ((await api.waiting('withdraw')).length > 0) await setImmediate();
  // A bank is told at least once.
  expect(new Set(api.bank.revoked.map(({ of }) => of)).size).toBe(2);
});

test('one whose client came at the last moment is left alone', async () => {
  await leavePending(2, 10);
  const [kept, redeemed] = ['north-bank:10-0', 'north-bank:10-1'];
  const stored = await api.storage.get(connections, redeemed);
  if (!stored) throw new Error('no connection');
  // Redeemed in the moment in which the job is taken up already.
  await api.storage.commit([update(connections, stored, { ...stored.value, status: 'ok' })]);
  await api.storage.commit([keepPending(kept)]);
  api.doJobs();
  api.clock.advance(11);
  await untilPending(0);
  expect(await api.storage.get(connections, kept)).toBeDefined();
  expect(await api.storage.get(connections, redeemed)).toBeDefined();
  expect(api.bank.revoked).toEqual([]);
});
