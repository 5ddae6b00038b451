import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { watchConsent } from '../../core/consent-clock.js';
import { publishEvent } from '../../core/event.js';
import { extendConsent } from '../../core/extend-consent.js';
import { tellOfJobs } from '../../core/job.js';
import { leaseTime } from '../../core/job-lease.js';
import { createConsentClockHandler } from '../../core/keep-consent-clock.js';
import { createScheduler, type Scheduler } from '../../core/scheduler.js';
import { remove, type Storage, update } from '../../core/storage.js';
import { validityOf } from '../../core/validity.js';
import { connectPerson } from '../api/support/connect-person.js';
import { grants, startApi, type TestApi } from '../api/support/start-api.js';

const day = 86_400_000;
/** No Grant, and no syncs. */
const extension = { extendGrant: async () => [], resumeSyncs: async () => [] };

let api: TestApi;
let scheduler: Scheduler;
let storage: Storage;
let start: number;

beforeEach(async () => {
  api = await startApi();
  const { clock, withdrawals } = api;
  start = clock.now();
  const silent = () => {};
  const logger = { info: silent, warn: silent, error: silent };
  scheduler = createScheduler({ storage: api.storage, clock, logger, random: () => 0 });
  storage = tellOfJobs(api.storage, scheduler.tell);
  const revokeGrant = (id: string) => [remove(grants, id)];
  const revival = 180 * 86_400;
  scheduler.start([
    createConsentClockHandler({ storage, clock, withdrawals, revokeGrant, revival }),
  ]);
});

afterEach(async () => {
  await scheduler.stop(1);
  await api.stop();
});

type Given = Parameters<typeof connectPerson>[1];

const onDay = (number: number) => new Date(start + number * day).toISOString();

/** A connection with a consent until that day, watched as every commit that sets an end does it. */
async function connect(endsOn: number, given: Given = {}): Promise<string> {
  const consent = { expiresAt: onDay(endsOn), ...given.consent };
  const { connectionId } = await connectPerson(api, { ...given, consent });
  await change(connectionId, async (held) => [
    watchConsent(held.consent.value, held.connection.value),
  ]);
  return connectionId;
}

async function load(connectionId: string) {
  const connection = await storage.get(connections, connectionId);
  const consent = connection && (await storage.get(consents, connection.value.consentId));
  if (!consent) throw new Error('no connection');
  return { connection, consent };
}

async function change(
  connectionId: string,
  decide: (held: Awaited<ReturnType<typeof load>>) => Promise<Parameters<Storage['commit']>[0]>,
): Promise<void> {
  await storage.commit(await decide(await load(connectionId)));
}

/** Moves on and waits until nothing is due, nor being done: then its lease is what it is due at. */
async function moveTo(number: number): Promise<void> {
  api.clock.advance((start + number * day - api.clock.now()) / 1000);
  for (;;) {
    const jobs = await api.waiting('consent-clock');
    if (jobs.every(({ due }) => Date.parse(due) > api.clock.now() + leaseTime)) return;
    await setImmediate();
  }
}

/** What was told of a connection: `day type`, and what the day counts in it. */
async function told(connectionId: string): Promise<string[]> {
  const events = (await api.waiting('publish-event')).map(({ data }) =>
    publishEvent.data.parse(data),
  );
  return events
    .filter(({ payload }) => payload.connectionId === connectionId)
    .map(({ type, occurredAt, payload }) => {
      const count =
        payload.timeUntilReauthorizationInDays ?? payload.periodSinceLastUpdateInDays ?? '';
      return `${(Date.parse(occurredAt) - start) / day} ${type} ${count}`.trim();
    });
}

test('over a hundred days each client hears of each consent what the rules say, and nothing else', async () => {
  const ongoing = await connect(90);
  const fixed = await connect(90, { consent: { tppConsent: false } });
  const oneTime = await connect(1, { consent: { access: 'one-time', tppConsent: false } });
  const pending = await connect(90, { connection: { status: 'pending' } });
  const renewed = await connect(90);
  const bankEndsFirst = await connect(30, { connection: { bankValidUntil: onDay(20) } });
  const legacy = await connect(20, { connection: { kind: 'legacy' } });
  const deleted = await connect(90);
  const revoked = await connect(90, { consent: { status: 'revoked' } });

  for (let step = 1; step <= 200; step++) {
    await moveTo(step / 2);
    if (step === 18) {
      await change(legacy, async ({ connection }) => [
        update(connections, connection, { ...connection.value, lastUpdated: onDay(9) }),
      ]);
    }
    if (step === 172) {
      const { userId } = (await load(deleted)).connection.value;
      await api.connections.remove('app', userId, deleted);
    }
    if (step === 176) {
      const expiresAt = new Date(start + 170 * day);
      await change(renewed, async (held) => {
        const at = new Date(api.clock.now());
        return (await extendConsent(extension, held, { expiresAt, means: 'api' }, at)).writes;
      });
    }
  }

  const reminders = ['85 reauthReminder 5', '87 reauthReminder 3', '89 reauthReminder 1'];
  expect(await told(ongoing)).toEqual([...reminders, '90 consentExpired']);
  expect(await told(fixed)).toEqual([...reminders, '90 consentExpired']);
  expect(await told(oneTime)).toEqual(['1 consentExpired']);
  expect(await told(pending)).toEqual([]);
  expect(await told(renewed)).toEqual([...reminders.slice(0, 2), '88 consentExtended']);
  expect(await told(bankEndsFirst)).toEqual([
    ...['15 reauthReminder 5', '17 reauthReminder 3', '19 reauthReminder 1'],
    ...[21, 23, 25, 27, 29].map((number) => `${number} reauthReminder 0`),
    '30 consentExpired',
  ]);
  expect((await told(legacy)).filter((line) => line.includes('refresh'))).toEqual([
    ...[2, 4, 6, 8].map((number) => `${number} refreshReminder ${number}`),
    ...[11, 13, 15, 17, 19].map((number) => `${number} refreshReminder ${number - 9}`),
  ]);
  expect((await told(legacy)).filter((line) => !line.includes('refresh'))).toEqual([
    ...['15 reauthReminder 5', '17 reauthReminder 3', '19 reauthReminder 1'],
    '20 consentExpired',
  ]);
  expect(await told(deleted)).toEqual(['85 reauthReminder 5', '86 connectionDeleted']);
  expect(await told(revoked)).toEqual([]);
});

test('a reminder says whose it is, what it is of, and what to do', async () => {
  const connectionId = await connect(5, { consent: { tppConsent: false } });
  await moveTo(0);
  const [job] = await api.waiting('publish-event');
  const { connection } = await load(connectionId);
  expect(job?.data).toMatchObject({
    type: 'reauthReminder',
    clientId: 'app',
    userId: connection.value.userId,
    payload: {
      connectionId,
      bankName: 'North Bank',
      timeUntilReauthorizationInDays: 5,
      tppConsent: false,
      validity: { next: 'reauth', consent: { state: 'expiring', validUntil: onDay(5) } },
    },
  });
});

test('at most one reminder in 48 hours, also where nobody was there to give the one before', async () => {
  const connectionId = await connect(90);
  await moveTo(87.5);
  await moveTo(89);
  await moveTo(89.5);
  await moveTo(95);
  await moveTo(150);
  expect(await told(connectionId)).toEqual([
    '87.5 reauthReminder 3',
    '89.5 reauthReminder 1',
    '95 consentExpired',
  ]);
});

test('a new end within the last days is no reason for another reminder so soon', async () => {
  const connectionId = await connect(90);
  await moveTo(86);
  for (const [number, end] of [
    [86.1, 91],
    [86.2, 91.5],
  ] as const) {
    await moveTo(number);
    const expiresAt = new Date(start + end * day);
    await change(connectionId, async (held) => {
      const at = new Date(api.clock.now());
      return (await extendConsent(extension, held, { expiresAt, means: 'api' }, at)).writes;
    });
  }
  await moveTo(87.9);
  await moveTo(88);
  expect((await told(connectionId)).filter((line) => line.includes('Reminder'))).toEqual([
    '86 reauthReminder 4',
    '88 reauthReminder 4',
  ]);
});

test('who has just signed in again at a legacy bank is not asked to at once', async () => {
  const history = [{ status: 'authorised', at: onDay(0), means: 'refresh' }] as const;
  const connection = { kind: 'legacy', connectedOn: onDay(-20), lastUpdated: onDay(-5) } as const;
  const connectionId = await connect(60, { connection, consent: { tppConsent: false, history } });
  await moveTo(1.9);
  expect(await told(connectionId)).toEqual([]);
  await moveTo(2);
  expect(await told(connectionId)).toEqual(['2 refreshReminder 7']);
});

test('an expired consent that can be extended no more leaves no tokens, here and at the bank', async () => {
  const ids = [
    await connect(90),
    await connect(90, { consent: { tppConsent: false } }),
    await connect(1, { consent: { access: 'one-time', tppConsent: false } }),
  ];
  const held = await Promise.all(ids.map(load));
  const grantsLeft = async () =>
    (await Promise.all(held.map(({ consent }) => storage.get(grants, consent.id)))).filter(Boolean);
  await moveTo(91);
  await moveTo(180);
  expect(await grantsLeft()).toHaveLength(3);
  await moveTo(182);
  expect(await grantsLeft()).toHaveLength(2);
  await moveTo(269);
  expect(await grantsLeft()).toHaveLength(2);
  expect(await api.waiting('withdraw')).toEqual([]);
  await moveTo(271);
  expect(await grantsLeft()).toHaveLength(0);
  // The other two had an end at the bank.
  expect((await api.waiting('withdraw')).map(({ data }) => data)).toEqual([
    expect.objectContaining({ connectionId: ids[0] }),
  ]);
  expect(await api.waiting('consent-clock')).toEqual([]);
  for (const id of ids) expect((await load(id)).connection.value.authorization).toEqual({});
  const { connection, consent } = await load(ids[0] ?? '');
  expect(consent.value.status).toBe('authorised');
  expect(validityOf(connection.value, consent.value, api.clock.now()).next).toBe('reauth');
});

test('the password for a legacy bank goes when its consent can be extended no more', async () => {
  const authorization = { userName: 'amara', password: 'secret', cookies: {} };
  const connection = { kind: 'legacy', authorization } as const;
  const id = await connect(90, { connection, consent: { tppConsent: false } });
  await moveTo(271);
  expect((await load(id)).connection.value).toMatchObject({
    ...{ authorization: {}, status: 'error', error: 'credentials_error' },
  });
  // The bank is asked to forget this browser, once.
  expect(await api.waiting('withdraw')).toMatchObject([{ data: { authorization } }]);
  // Deleting it later has nothing left to withdraw.
  const { userId } = (await load(id)).connection.value;
  await api.connections.remove('app', userId, id);
  expect(await api.waiting('withdraw')).toHaveLength(1);
  expect(api.bank.revoked).toEqual([]);
});

test('time that leaps over everything tells of the expiry once, and cleans up', async () => {
  const connectionId = await connect(90);
  const { consent } = await load(connectionId);
  await moveTo(400);
  while ((await api.waiting('consent-clock')).length > 0) await setImmediate();
  expect(await told(connectionId)).toEqual(['400 consentExpired']);
  expect(await storage.get(grants, consent.id)).toBeUndefined();
});

test('a connection that was never completed goes without a word', async () => {
  const pendingUntil = onDay(1);
  const connectionId = await connect(90, { connection: { status: 'pending', pendingUntil } });
  await api.connections.abandon(connectionId);
  expect(await storage.get(connections, connectionId)).toBeUndefined();
  expect(await told(connectionId)).toEqual([]);
  expect(await api.waiting('consent-clock')).toEqual([]);
});
