import fc from 'fast-check';
import { openStorage } from '../../../adapters/open-storage.js';
import {
  type Collection,
  consume,
  insert,
  put,
  remove,
  removeWhere,
  type Storage,
  StorageConflict,
  type Stored,
  update,
  type Write,
} from '../../../core/storage.js';
import { commitToModel, type Model, type ModelRecord } from './commit-model.js';
import { createMovingClock } from './moving-clock.js';
import { type Note, notes, testCollections, tickets } from './test-collections.js';
import type { DatabaseKind } from './test-database.js';

/** The storage port's promises for whatever values, times and orders come. */
export function describeStorageProperties(kind: DatabaseKind): void {
  const clock = createMovingClock();
  let storage: Storage;
  let run = 0;

  beforeAll(async () => {
    const database = await kind.create();
    storage = await openStorage({ ...database, collections: testCollections, clock });
  });
  afterAll(() => storage.close());

  test('a record lives until it expires and not a millisecond longer', async () => {
    const lifetimes = fc.array(fc.integer({ min: 1, max: 100_000 }), {
      minLength: 1,
      maxLength: 20,
    });
    const property = fc.asyncProperty(lifetimes, fc.nat(100_000), async (lives, wait) => {
      const group = `expiry-${++run}`;
      const start = clock.now();
      const ids = lives.map((_, n) => `${group}-${n}`);
      await storage.commit(
        lives.map((life, n) =>
          insert(tickets, `${group}-${n}`, { text: '', group }, new Date(start + life)),
        ),
      );
      clock.advance(wait / 1000);
      const alive = await Promise.all(ids.map((id) => storage.get(tickets, id)));
      expect(alive.map(Boolean)).toEqual(lives.map((life) => life > wait));
      const count = lives.filter((life) => life > wait).length;
      expect(await storage.count(tickets, 'group', group)).toBe(count);
    });
    await fc.assert(property, { numRuns: 30 });
  });

  test('whatever is consumed, one of 50 parallel callers has it', async () => {
    const ids = fc.uniqueArray(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(ids, async (names) => {
      const own = names.map((name) => `${++run} ${name}`);
      const expiresAt = new Date(clock.now() + 60_000);
      await storage.commit(own.map((id) => insert(tickets, id, { text: id }, expiresAt)));
      for (const id of own) {
        const outcomes = await Promise.allSettled(
          Array.from({ length: 50 }, () => storage.commit([consume(tickets, id)])),
        );
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        expect((await storage.get(tickets, id))?.value.text).toBe(id);
      }
    });
    await fc.assert(property, { numRuns: 10 });
  });

  test('revoking a grant removes its records, all of them and only them', async () => {
    const groups = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 40 });
    const property = fc.asyncProperty(
      groups,
      fc.integer({ min: 0, max: 3 }),
      async (of, revoked) => {
        const prefix = `grant-${++run}`;
        await storage.commit(
          of.map((group, n) =>
            insert(tickets, `${prefix}-${n}`, { text: '', group: `${prefix}-${group}` }),
          ),
        );
        await storage.commit([removeWhere(tickets, 'group', `${prefix}-${revoked}`)]);
        const left = await Promise.all(of.map((_, n) => storage.get(tickets, `${prefix}-${n}`)));
        expect(left.map(Boolean)).toEqual(of.map((group) => group !== revoked));
        expect(await storage.count(tickets, 'group', `${prefix}-${revoked}`)).toBe(0);
      },
    );
    await fc.assert(property, { numRuns: 20 });
  });

  test('any sequence of commits leaves what a plain Map would hold', async () => {
    const property = fc.asyncProperty(
      fc.array(commitArbitrary, { maxLength: 12 }),
      async (steps) => {
        const prefix = `model-${++run}`;
        let model: Model = new Map([
          [notes, new Map()],
          [tickets, new Map()],
        ]);
        for (const { advance, writes: planned } of steps) {
          clock.advance(advance);
          const writes: Write[] = [];
          for (const plan of onePerRecord(planned)) writes.push(await toWrite(plan, prefix));
          const now = clock.now();
          const { transactional } = kind;
          const expected = commitToModel(model, writes, { transactional, now });
          expect(await commit(writes)).toBe(expected.lost);
          model = await compare(expected.model, prefix);
        }
      },
    );
    await fc.assert(property, { numRuns: kind.transactional ? 150 : 40 });
  });

  /** @returns the position of the lost write. */
  async function commit(writes: readonly Write[]): Promise<number | undefined> {
    try {
      await storage.commit(writes);
      return undefined;
    } catch (error) {
      if (error instanceof StorageConflict) return error.write.position;
      throw error;
    }
  }

  async function toWrite(plan: Plan, prefix: string): Promise<Write> {
    const { kind: change, collection, lifetime, stale } = plan;
    const id = `${prefix}-${plan.id}`;
    const group = `${prefix}-${plan.group}`;
    const value: Note = { text: `${plan.group}`, group };
    const expiresAt = lifetime === undefined ? undefined : new Date(clock.now() + lifetime * 1000);
    const stored: Stored<Note> = (await storage.get(collection, id)) ?? { id, value, version: 1 };
    const version = stale ? stored.version + 7 : stored.version;
    if (change === 'insert') return insert(collection, id, value, expiresAt);
    if (change === 'put') return put(collection, id, value, expiresAt);
    if (change === 'update') return update(collection, { ...stored, version }, value, expiresAt);
    if (change === 'consume') return consume(collection, id);
    if (change === 'remove') return remove(collection, id);
    if (change === 'removeVersion') return remove(collection, id, version);
    return removeWhere(collection, 'group', group);
  }

  /**
   * Compares all records. What has expired is forgotten, and versions are taken over from the
   * store: that of a record written over an expired one depends on whether that was swept.
   */
  async function compare(model: Model, prefix: string): Promise<Model> {
    const next = new Map<Collection<Note>, Map<string, ModelRecord>>();
    for (const [collection, records] of model) {
      const kept = new Map<string, ModelRecord>();
      next.set(collection, kept);
      for (const id of recordIds.map((one) => `${prefix}-${one}`)) {
        const record = records.get(id);
        const live =
          record && (record.expiresAt ?? Number.POSITIVE_INFINITY) > clock.now()
            ? record
            : undefined;
        const stored = await storage.get(collection, id);
        expect(stored?.value).toEqual(live?.value);
        expect(stored?.consumedAt?.getTime()).toBe(live?.consumedAt);
        expect(stored?.expiresAt?.getTime()).toBe(live?.expiresAt);
        if (live && stored) kept.set(id, { ...live, version: stored.version });
      }
      for (const group of groups.map((one) => `${prefix}-${one}`)) {
        const query = { index: 'group', equals: group, limit: 10 };
        const { records: found } = await storage.find(collection, query);
        const expected = [...kept].filter(([, { value }]) => value.group === group);
        expect(found.map(({ id }) => id).sort()).toEqual(expected.map(([id]) => id).sort());
      }
    }
    return next;
  }
}

const recordIds = ['a', 'b', 'c'];
const groups = ['x', 'y'];
const kinds = [
  'insert',
  'put',
  'update',
  'consume',
  'remove',
  'removeVersion',
  'removeWhere',
] as const;

interface Plan {
  readonly kind: (typeof kinds)[number];
  readonly collection: Collection<Note>;
  readonly id: string;
  readonly group: string;
  readonly lifetime: number | undefined;
  readonly stale: boolean;
}

const planArbitrary: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom(...kinds),
  collection: fc.constantFrom(notes, tickets),
  id: fc.constantFrom(...recordIds),
  group: fc.constantFrom(...groups),
  lifetime: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
  stale: fc.boolean(),
});

const commitArbitrary = fc.record({
  advance: fc.constantFrom(0, 0, 1, 5, 20),
  writes: fc.array(planArbitrary, { minLength: 1, maxLength: 5 }),
});

/** A version read before the commit says nothing once an earlier write of it touched the record. */
function onePerRecord(plans: readonly Plan[]): Plan[] {
  return plans.map((plan, position) => {
    const earlier = plans.slice(0, position);
    const touched = earlier.some(
      ({ kind, collection, id }) =>
        collection === plan.collection && (id === plan.id || kind === 'removeWhere'),
    );
    if (!touched) return plan;
    if (plan.kind === 'update') return { ...plan, kind: 'put' };
    if (plan.kind === 'removeVersion') return { ...plan, kind: 'remove' };
    return plan;
  });
}
