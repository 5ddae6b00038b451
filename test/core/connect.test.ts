import { createConnect } from '../../core/connect.js';
import type { ConnectionRequest } from '../../core/connection-request.js';
import { InstitutionError, type VisitOutcome } from '../../core/institution.js';
import { defaultPermissions } from '../../core/permissions.js';
import { users } from '../../core/user.js';
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
  return createConnect({
    storage,
    clock,
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    directory: {
      ...bank.directory,
      connector: (id) => ({
        ...bank.directory.connector(id),
        async begin({ state }) {
          begun.push(id);
          return { redirectTo: `https://${id}.example/`, attempt: { visit: begun.length, state } };
        },
        complete: () => outcome(),
        async revoke({ visit }) {
          withdrawn.push(`${id} ${visit}`);
        },
      }),
    },
    redirectUri: 'https://id.example.com/bank/callback',
    redeemWithin: 600,
    onPending: () => {},
  });
}

function oneTime(): ConnectionRequest {
  return {
    institution: { chooser: 'all' },
    permissions: defaultPermissions,
    expiresAt: new Date(api.clock.now() + 86_400_000),
    tppConsent: true,
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
    const arrival = await connect.arrive(await open(), request, new URLSearchParams());
    await api.storage.commit(arrival.writes);
    if (arrival.outcome === 'connected') made.push(arrival.consent.userId);
  }
  const { records } = await api.storage.find(users, { index: 'client', equals: 'app', limit: 10 });
  expect(records.map(({ id }) => id)).toEqual(made);
  expect(made).toHaveLength(4);
});

test('what a bank may have authorised before its answer was lost is withdrawn', async () => {
  const connect = createTestConnect();
  const { request, open } = await visit(connect);
  outcome = () => Promise.reject(new InstitutionError('unavailable', 'no answer in time'));
  await expect(connect.arrive(await open(), request, new URLSearchParams())).rejects.toThrow(
    'no answer in time',
  );
  expect(withdrawn).toEqual(['north-bank 1']);
});

test('an arrival that cannot be kept is withdrawn', async () => {
  const connect = createTestConnect();
  const { request, open } = await visit(connect);
  const journey = await open();
  await connect.arrive(journey, request, new URLSearchParams());
  expect(withdrawn).toEqual([]);
  connect.takeBack(journey);
  expect(withdrawn).toEqual(['north-bank 1']);
});

test('a visit is withdrawn at its own bank, also where another was chosen in another tab', async () => {
  const connect = createTestConnect();
  const { request, open } = await visit(connect);
  await connect.choose(await open(), 'demo-bank', request);
  await connect.depart(await open(), request);
  expect(begun).toEqual(['north-bank', 'demo-bank']);
  expect(withdrawn).toEqual(['north-bank 1']);
  await connect.leave(await open());
  expect(withdrawn).toEqual(['north-bank 1', 'demo-bank 2']);
});
