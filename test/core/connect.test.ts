import type { NewConnectionRequest } from '../../core/connection-request.js';
import { consents } from '../../core/consent.js';
import { InstitutionError } from '../../core/institution.js';
import { defaultPermissions } from '../../core/permissions.js';
import { StorageConflict } from '../../core/storage.js';
import { users } from '../../core/user.js';
import { startApi, type TestApi } from '../api/support/start-api.js';
import { eventually } from '../support/eventually.js';
import { arriveAndKeep, createTestConnect } from './support/test-connect.js';

let api: TestApi;

beforeEach(async () => {
  api = await startApi();
});

afterEach(() => api.stop());

function oneTime(): NewConnectionRequest {
  return {
    purpose: 'connect',
    institution: { chooser: 'all' },
    permissions: defaultPermissions,
    expiresAt: new Date(api.clock.now() + 86_400_000),
    tppConsent: false,
  };
}

/** Chooses a bank, goes there, and stands before the answer. */
async function visit(uid = 'uid', test = createTestConnect(api)) {
  const request = oneTime();
  const open = () => test.open(uid, request);
  await test.connect.choose(await open(), 'north-bank', request);
  await test.connect.depart(await open(), request);
  return { ...test, request, open };
}

test('the people of one-time visits are listed in the order they were made', async () => {
  const made: (string | undefined)[] = [];
  for (const uid of ['first', 'second', 'third', 'fourth']) {
    api.clock.advance(0.001);
    const { connect, open } = await visit(uid);
    const arrival = await arriveAndKeep(api, connect, await open());
    if ('userId' in arrival) made.push(arrival.userId);
  }
  const { records } = await api.storage.find(users, { index: 'client', equals: 'app', limit: 10 });
  expect(records.map(({ id }) => id)).toEqual(made);
  expect(made).toHaveLength(4);
});

test('what a bank may have authorised before its answer was lost is withdrawn', async () => {
  const { connect, open, answer, expectWithdrawn } = await visit();
  answer(new InstitutionError('unavailable', 'no answer in time'));
  await expect(connect.arrive(await open(), new URLSearchParams())).rejects.toThrow(
    'no answer in time',
  );
  await expectWithdrawn('north-bank 1');
});

test('an arrival that cannot be kept is withdrawn', async () => {
  const { connect, open, expectWithdrawn } = await visit();
  const arrival = await connect.arrive(await open(), new URLSearchParams());
  if (arrival.outcome !== 'connected') throw new Error('not connected');
  await expectWithdrawn();
  const fault = new Error('the store is lost');
  await expect(arrival.keep(() => Promise.reject(fault))).rejects.toThrow(fault);
  await expectWithdrawn('north-bank of the visit');
});

test('of two tabs that come back, and one that leaves, one alone goes on', async () => {
  const { connect, open, expectWithdrawn } = await visit();
  const [first, second, third] = [await open(), await open(), await open()];
  const arrival = await connect.arrive(first, new URLSearchParams());
  await expect(connect.arrive(second, new URLSearchParams())).rejects.toMatchObject({
    code: 'invalid_callback',
  });
  await expect(connect.leave(third)).rejects.toThrow(StorageConflict);
  // Leaving while the other tab comes back: whichever is committed first stands.
  const left = await connect.leave(await open());
  await api.storage.commit(left);
  if (arrival.outcome !== 'connected') throw new Error('not connected');
  await expect(arrival.keep(({ writes }) => api.storage.commit(writes))).rejects.toThrow(
    'This visit to your bank is already over.',
  );
  await expectWithdrawn('north-bank of the visit');
});

test('a visit is withdrawn at its own bank, also where another was chosen in another tab', async () => {
  const { connect, request, open, begun, expectWithdrawn } = await visit();
  await connect.choose(await open(), 'demo-bank', request);
  await connect.depart(await open(), request);
  expect(begun).toEqual(['north-bank', 'demo-bank']);
  await expectWithdrawn('north-bank 1');
  await connect.leave(await open());
  await expectWithdrawn('north-bank 1', 'demo-bank 2');
});

const statuses = async () => {
  const { records } = await api.storage.find(consents, {
    index: 'connection',
    limit: 9,
  });
  return records.map(({ value }) => value.status);
};

test('somebody who leaves for the bank and never comes back is not waited for', async () => {
  const { open } = await visit();
  const { visit: left } = (await open()).value;
  api.doJobs();
  api.clock.advance(3600);
  await eventually(async () => expect(await statuses()).toEqual(['rejected']));
  await eventually(async () => expect(api.bank.revoked).toContainEqual(left?.attempt));
  await eventually(async () => expect(await api.waiting('leave-visit')).toEqual([]));
});

test('one who chooses another bank leaves nothing at the one before', async () => {
  const { connect, request, open, expectWithdrawn } = await visit();
  for (const bank of ['demo-bank', 'north-bank']) {
    await connect.choose(await open(), bank, request);
    await connect.depart(await open(), request);
  }
  await expectWithdrawn('north-bank 1', 'demo-bank 2');
  expect((await statuses()).sort()).toEqual(['awaiting_authorisation', 'rejected', 'rejected']);
  expect(await api.waiting('leave-visit')).toHaveLength(1);
});

test('a visit that ends, in whichever way, is not given up later', async () => {
  const { connect, open } = await visit('kept');
  await arriveAndKeep(api, connect, await open());
  const left = await visit('left');
  await api.storage.commit(await left.connect.leave(await left.open()));
  const refused = await visit('refused');
  refused.answer({ outcome: 'refused', reason: 'no' });
  await arriveAndKeep(api, refused.connect, await refused.open());
  expect(await api.waiting('leave-visit')).toEqual([]);
});
