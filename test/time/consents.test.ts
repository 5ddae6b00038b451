import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { freePort } from '../support/start-assent.js';
import { type Expected, play } from './support/model.js';
import { createActors, type Known } from './support/perform.js';
import { hour, makePlans, type Plan, simulatedDays, simulationEnd } from './support/plan.js';
import { receiveWebhooks } from './support/receive-webhooks.js';
import { startWorld, type World } from './support/world.js';

/** About a minute on two cores; fewer take less: `TIME_TEST_CONNECTIONS=60`. */
const count = Number(process.env.TIME_TEST_CONNECTIONS ?? 400);
const seed = process.env.TIME_TEST_SEED ?? 'one hundred and twenty days';
/** Few enough for one person's sign-ins at the bank not to look like guessing. */
const atOnce = 3;

/** What clients are told of; new transactions are left out, as the simulation fetches none. */
const events = [
  'reauthReminder',
  'syncCompleted',
  'connectionAdded',
  'connectionReauthenticated',
  'connectionFailed',
  'connectionDeleted',
  'consentExtended',
  'consentExpired',
];

interface Life {
  readonly plan: Plan;
  readonly expected: Expected;
  known?: Known;
  readonly done: boolean[];
}

const start = Math.ceil(Date.now() / (6 * hour)) * 6 * hour;
const lives: readonly Life[] = makePlans(seed, count).map((plan) => ({
  plan,
  expected: play(plan),
  done: [],
}));

let directory: string;
let world: World;
let webhooks: Awaited<ReturnType<typeof receiveWebhooks>>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-time-'));
  const authority = await openCertificateAuthority(join(directory, 'certificates'), systemClock);
  const port = await freePort();
  webhooks = await receiveWebhooks(await authority.server('server'), port, () => world.now());
  const url = `https://localhost:${port}/events`;
  world = await startWorld({ directory, start, webhooks: [{ url, events }] });
  await simulate();
}, 600_000);

afterAll(async () => {
  await world?.stop().catch(() => world.kill());
  await webhooks?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** From moment to moment: to the next planned action, or to what is due before that. */
async function simulate(): Promise<void> {
  const actors = createActors(world);
  const moments = new Map<number, Life[]>();
  for (const life of lives) {
    for (const { at } of life.plan.actions) {
      moments.set(start + at, [...(moments.get(start + at) ?? []), life]);
    }
  }
  const planned = [...moments.keys(), start + simulationEnd].sort((one, two) => one - two);
  let due = await world.settle();
  for (const moment of planned) {
    while (due !== undefined && due < moment) due = await leap(due);
    await world.moveTo(moment);
    await world.work();
    await inLanes(moments.get(moment) ?? [], async (life) => {
      const { plan, done } = life;
      const action = plan.actions[done.length]?.action;
      if (!action) throw new RangeError('nothing is planned');
      const result = await actors.perform(plan, action, life.known);
      done.push(result.done);
      if (result.known) life.known = result.known;
    });
    due = await world.settle();
  }
}

async function leap(to: number): Promise<number | undefined> {
  await world.moveTo(to);
  return world.settle();
}

async function inLanes<Item>(items: readonly Item[], work: (item: Item) => Promise<void>) {
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of waiting) await work(item);
    }),
  );
}

describe(`${count} connections, ${simulatedDays} days, two processes`, () => {
  test('what the rules allow is done, and the rest is refused', () => {
    for (const { plan, expected, done } of lives) {
      expect({ plan, done }).toEqual({ plan, done: expected.done });
    }
  });

  test('every event is delivered, and taken once, by either process', async () => {
    const all = [...webhooks.received.values()];
    expect(all.filter(({ taken }) => taken !== 1)).toEqual([]);
    const least = all.length / 5;
    for (const delivered of await world.deliveries()) expect(delivered).toBeGreaterThan(least);
  });

  test('every connection’s client is told exactly what the rules say, when they say it', () => {
    for (const { plan, expected, known } of lives) {
      const told = [...webhooks.received.values()]
        .filter(({ payload }) => payload.connectionId === known?.connectionId)
        .map(({ eventType, at, userId, payload }) => {
          expect(userId).toBe(known?.userId);
          return { type: eventType, at: at - start, payload };
        });
      expect({ plan, told: told.map(line).sort() }).toEqual({
        plan,
        told: expected.events
          .map(({ type, at, detail }) => line({ type, at, payload: detail }))
          .sort(),
      });
    }
    expect(webhooks.received.size).toBe(
      lives.reduce((sum, { expected }) => sum + expected.events.length, 0),
    );
  });

  test('every connection ends as the rules say', async () => {
    const actors = createActors(world);
    for (const { plan, expected, known } of lives) {
      if (!known) throw new TypeError('every plan connects');
      const connections = await actors.list(plan, known);
      const found = connections.map(
        ({ id, status, error, extendedStatus, expiresAt, tppConsent }) => ({
          ...{ id, status, error, extendedStatus, tppConsent },
          expiresAt: Date.parse(expiresAt) - start,
        }),
      );
      const { connectionId: id } = known;
      expect({ plan, found }).toEqual({
        plan,
        found: expected.connection ? [{ id, ...expected.connection }] : [],
      });
    }
  });
});

/** To the quarter of an hour in which a moment's aftermath falls, with what the rules say of its payload. */
function line({ type, at, payload }: { type: string; at: number; payload: object }): string {
  const { timeUntilReauthorizationInDays, tppConsent, error, processingStatus } = Object.assign(
    { timeUntilReauthorizationInDays: '', tppConsent: '', error: '', processingStatus: '' },
    payload,
  );
  const quarter = Math.floor(at / (hour / 4)) / 4;
  return [
    `hour ${quarter.toFixed(2).padStart(8)}`,
    type,
    timeUntilReauthorizationInDays,
    tppConsent,
    error,
    processingStatus,
  ]
    .filter((part) => part !== '')
    .join(' ');
}
