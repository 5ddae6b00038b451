import { setTimeout as wait } from 'node:timers/promises';
import { createConnect } from '../../core/connect.js';
import type { NewConnectionRequest } from '../../core/connection-request.js';
import {
  type InstitutionDirectory,
  InstitutionError,
  type VisitOutcome,
} from '../../core/institution.js';
import { createConnectionAim } from '../../core/new-connection.js';
import { defaultPermissions } from '../../core/permissions.js';
import { createRenewalAim } from '../../core/renew-connection.js';
import { StorageConflict } from '../../core/storage.js';
import { users } from '../../core/user.js';
import { createBankVisits } from '../../core/visit-bank.js';
import { createWithdrawals } from '../../core/withdrawals.js';
import { startApi, type TestApi } from '../api/support/start-api.js';

const client = { client_id: 'app', own_consent_screens: true };

let api: TestApi;
let begun: string[];
let withdrawn: string[];
let outcome: () => Promise<VisitOutcome>;

beforeEach(async () => {
  api = await startApi();
  begun = [];
  withdrawn = [];
  outcome = async () => ({
    outcome: 'authorised',
    authorization: { refreshToken: 'of the visit' },
  });
});

afterEach(() => api.stop());

/** A directory whose banks name themselves in what they are asked to withdraw. */
function createTestConnect() {
  const { storage, clock, bank } = api;
  const logger = { info: () => {}, warn: () => {}, error: () => {} };
  const directory: InstitutionDirectory = {
    ...bank.directory,
    connector: (id) => ({
      ...bank.directory.connector(id),
      async begin({ state }) {
        begun.push(id);
        return { redirectTo: `https://${id}.example/`, attempt: { visit: begun.length, state } };
      },
      complete: () => outcome(),
      async revoke({ visit, refreshToken }) {
        withdrawn.push(`${id} ${visit ?? refreshToken}`);
      },
    }),
  };
  const withdrawals = createWithdrawals({ storage, directory, clock, logger });
  const extendGrant = async () => [];
  const renewal = createRenewalAim({ storage, directory, clock, withdrawals, extendGrant });
  const visits = createBankVisits({
    storage,
    directory,
    withdrawals,
    logger,
    redirectUri: 'https://id.example.com/bank/callback',
    aims: {
      connect: createConnectionAim({ storage, directory, clock, redeemWithin: 600 }),
      reauth: renewal,
      refresh: renewal,
    },
  });
  return createConnect({ storage, directory, clock, visits, extendGrant });
}

/** What is withdrawn is withdrawn behind the person's back. */
async function expectWithdrawn(...expected: readonly string[]) {
  for (let tries = 0; withdrawn.length < expected.length && tries < 100; tries++) await wait(10);
  expect(withdrawn).toEqual(expected);
}

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
async function visit(connect: ReturnType<typeof createTestConnect>, institutionId = 'north-bank') {
  const request = oneTime();
  const open = () => connect.open('uid', request, client, new Date(api.clock.now() + 3_600_000));
  await connect.choose(await open(), institutionId, request);
  await connect.depart(await open(), request);
  return { request, open };
}

test('the people of one-time visits are listed in the order they were made', async () => {
  const connect = createTestConnect();
  const request = oneTime();
  const made: string[] = [];
  for (const uid of ['first', 'second', 'third', 'fourth']) {
    api.clock.advance(0.001);
    const end = new Date(api.clock.now() + 3_600_000);
    const open = () => connect.open(uid, request, client, end);
    await connect.choose(await open(), 'north-bank', request);
    await connect.depart(await open(), request);
    const arrival = await connect.arrive(await open(), new URLSearchParams());
    if (arrival.outcome !== 'connected') throw new Error('not connected');
    await arrival.keep(async ({ consent, writes }) => {
      await api.storage.commit(writes);
      made.push(consent.userId);
    });
  }
  const { records } = await api.storage.find(users, { index: 'client', equals: 'app', limit: 10 });
  expect(records.map(({ id }) => id)).toEqual(made);
  expect(made).toHaveLength(4);
});

test('what a bank may have authorised before its answer was lost is withdrawn', async () => {
  const connect = createTestConnect();
  const { open } = await visit(connect);
  outcome = () => Promise.reject(new InstitutionError('unavailable', 'no answer in time'));
  await expect(connect.arrive(await open(), new URLSearchParams())).rejects.toThrow(
    'no answer in time',
  );
  await expectWithdrawn('north-bank 1');
});

test('an arrival that cannot be kept is withdrawn', async () => {
  const connect = createTestConnect();
  const { open } = await visit(connect);
  const arrival = await connect.arrive(await open(), new URLSearchParams());
  if (arrival.outcome !== 'connected') throw new Error('not connected');
  expect(withdrawn).toEqual([]);
  const fault = new Error('the store is lost');
  await expect(arrival.keep(() => Promise.reject(fault))).rejects.toThrow(fault);
  await expectWithdrawn('north-bank of the visit');
});

test('of two tabs that come back, and one that leaves, one alone goes on', async () => {
  const connect = createTestConnect();
  const { open } = await visit(connect);
  const [first, second, third] = [await open(), await open(), await open()];
  const arrival = await connect.arrive(first, new URLSearchParams());
  await expect(connect.arrive(second, new URLSearchParams())).rejects.toThrow(StorageConflict);
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
  const connect = createTestConnect();
  const { request, open } = await visit(connect);
  await connect.choose(await open(), 'demo-bank', request);
  await connect.depart(await open(), request);
  expect(begun).toEqual(['north-bank', 'demo-bank']);
  await expectWithdrawn('north-bank 1');
  await connect.leave(await open());
  await expectWithdrawn('north-bank 1', 'demo-bank 2');
});
