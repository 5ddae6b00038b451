import { createSeededRandom, type SeededRandom } from '../../../sandbox/bank/seeded-random.js';

export const hour = 3_600_000;
export const day = 24 * hour;

/** For how long something happens (days), and after an end a consent can still be extended (days). */
export const simulatedDays = 120;
export const revivalDays = 20;
/** When everything is looked at: at no moment at which something would just be due (milliseconds). */
export const simulationEnd = simulatedDays * day + hour;

/** The client that shows its people the hosted consent page, and the one with its own screens. */
export type PlannedClient = 'identity-service' | 'identity-service-own-consent';

/** What somebody does at a moment, whether or not the rules allow it then. */
export type Action =
  | { readonly kind: 'connect'; readonly access: 'one-time' | 'ongoing'; readonly days?: number }
  /** By the hosted page. */
  | { readonly kind: 'reconsent'; readonly days?: number }
  /** By the client's own screen and `PATCH`. */
  | { readonly kind: 'extend'; readonly days: number }
  | { readonly kind: 'reauth'; readonly by: 'owner' | 'stranger'; readonly days?: number }
  /** The person withdraws at the bank. */
  | { readonly kind: 'withdraw-at-bank' }
  /** The client asks for fresh data. */
  | { readonly kind: 'sync' }
  | { readonly kind: 'delete' };

/** A moment, in milliseconds since the simulation began; a multiple of six hours. */
export interface PlannedAction {
  readonly at: number;
  readonly action: Action;
}

/** Everything that happens to one connection, from the connecting on. */
export interface Plan {
  readonly name: string;
  readonly client: PlannedClient;
  /** Which of the people at the bank it belongs to; the next one is the stranger. */
  readonly person: number;
  readonly actions: readonly PlannedAction[];
}

const clients = ['identity-service', 'identity-service-own-consent'] as const;
const grid = 6 * hour;

/** Plans that are the same whenever they are made from the same seed. */
export function makePlans(seed: string, count: number): readonly Plan[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `connection-${index}`;
    return makePlan(name, createSeededRandom(`${seed} ${name}`));
  });
}

function makePlan(name: string, random: SeededRandom): Plan {
  const client = random.pick<PlannedClient>(clients);
  const person = random.between(0, 2);
  const begin = random.between(0, 120) * grid;
  const isOneTime = random.next() < 0.06;
  if (isOneTime) {
    const connect = { kind: 'connect', access: 'one-time' } as const;
    return { name, client, person, actions: [{ at: begin, action: connect }] };
  }
  const days = random.next() < 0.25 ? random.between(6, 60) : undefined;
  const connect = { kind: 'connect', access: 'ongoing', ...(days && { days }) } as const;
  const later = random.pick([nothing, renewals, renewals, renewals, atTheBank, strangers, removal]);
  const actions = later(random, client, begin / grid, days ?? 90)
    .map(({ at, action }) => ({ at: at * grid, action }))
    .filter(({ at }, index, all) => at > begin && all.findIndex((one) => one.at === at) === index)
    .filter(({ at }) => at < simulatedDays * day)
    .sort((one, other) => one.at - other.at);
  return { name, client, person, actions: [{ at: begin, action: connect }, ...actions] };
}

/** Of a connection that begins in this step and lasts for so many days; `at` in steps. */
type Story = (
  random: SeededRandom,
  client: PlannedClient,
  begin: number,
  days: number,
) => PlannedAction[];

const nothing: Story = () => [];

/** Extended or authenticated again around each end: while it is near, just past, or long past. */
const renewals: Story = (random, client, begin, days) => {
  const actions: PlannedAction[] = [];
  let end = begin + days * 4;
  for (let renewal = 0; renewal < 3; renewal += 1) {
    const at = end + random.pick([-60, -18, -9, -1, 0, 1, 8, 40, 79, 81, 100]);
    const given = random.between(2, 90);
    actions.push({ at, action: renew(random, client, given) });
    end = at + given * 4;
  }
  return actions;
};

function renew(random: SeededRandom, client: PlannedClient, days: number): Action {
  const way = random.next();
  if (way < 0.3) return { kind: 'reauth', by: 'owner', ...(way < 0.1 && { days }) };
  // Now and then by the way that is not this client's.
  const isOwn = (client === 'identity-service-own-consent') === way < 0.93;
  if (isOwn) return { kind: 'extend', days };
  return { kind: 'reconsent', ...(days < 60 && { days }) };
}

const atTheBank: Story = (random, client, begin, days) => {
  const at = begin + random.between(1, days * 4);
  const found = at + random.between(1, 8);
  return [
    { at, action: { kind: 'withdraw-at-bank' } },
    { at: found, action: { kind: 'sync' } },
    ...(random.next() < 0.5
      ? [{ at: found + random.between(1, 40), action: renew(random, client, 90) }]
      : []),
    ...(random.next() < 0.7
      ? [
          {
            at: found + random.between(41, 80),
            action: { kind: 'reauth', by: 'owner' } as const,
          },
        ]
      : []),
  ];
};

const strangers: Story = (random, client, begin, days) => {
  const at = begin + random.between(1, days * 4 + 20);
  return [
    { at, action: { kind: 'reauth', by: 'stranger' } },
    { at: at + random.between(1, 30), action: renew(random, client, random.between(10, 90)) },
  ];
};

const removal: Story = (random, client, begin, days) => {
  const at = begin + random.between(1, days * 4 + 100);
  return [
    { at: at - random.between(1, 20), action: { kind: 'sync' } },
    { at, action: { kind: 'delete' } },
    { at: at + 4, action: renew(random, client, 30) },
  ];
};
