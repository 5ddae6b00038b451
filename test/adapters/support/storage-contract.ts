import { openStorage } from '../../../adapters/open-storage.js';
import {
  consume,
  InvalidCursor,
  insert,
  put,
  remove,
  removeWhere,
  type Storage,
  StorageConflict,
  update,
} from '../../../core/storage.js';
import { createMovingClock } from './moving-clock.js';
import { documents, notes, testCollections, tickets } from './test-collections.js';
import type { DatabaseKind } from './test-database.js';

/** What the storage port promises, held against one kind of database. */
export function describeStorageContract(kind: DatabaseKind): void {
  const clock = createMovingClock();
  let storage: Storage;

  beforeAll(async () => {
    const database = await kind.create();
    storage = await openStorage({ ...database, collections: testCollections, clock });
  });
  afterAll(() => storage.close());

  let lastId = 0;
  const newId = () => `id-${++lastId}`;
  const inSeconds = (seconds: number) => new Date(clock.now() + seconds * 1000);

  describe('values', () => {
    test('come back as they went in, member order and awkward names included', async () => {
      const id = newId();
      const json =
        '{"z":1,"a":{"https://bank.example/x.y":"s","$set":{"b.c":null}},"empty":{},"list":[[],{}],' +
        '"__v":3,"_id":"x","text":"\\u0000\\u00e9\\ud83d\\ude00","10":1,"big":1e300,"date":"2026-01-01"}';
      await storage.commit([insert(documents, id, JSON.parse(json))]);
      const stored = await storage.get(documents, id);
      expect(JSON.stringify(stored?.value)).toBe(JSON.stringify(JSON.parse(json)));
    });

    test('may be large', async () => {
      const id = newId();
      const text = 'x'.repeat(1_000_000);
      await storage.commit([insert(notes, id, { text })]);
      expect((await storage.get(notes, id))?.value.text).toHaveLength(1_000_000);
    });

    test('carry the original id, version and expiry', async () => {
      const id = newId();
      const expiresAt = inSeconds(60);
      await storage.commit([insert(tickets, id, { text: 'a' }, expiresAt)]);
      expect(await storage.get(tickets, id)).toEqual({
        id,
        value: { text: 'a' },
        version: expect.any(Number),
        expiresAt,
      });
    });

    test('are undefined for an unknown id', async () => {
      expect(await storage.get(notes, 'nobody')).toBeUndefined();
      expect(await storage.get(tickets, '')).toBeUndefined();
    });
  });

  describe('insert and put', () => {
    test('insert refuses an id that lives, and leaves the record alone', async () => {
      const id = newId();
      await storage.commit([insert(notes, id, { text: 'first' })]);
      const second = storage.commit([insert(notes, id, { text: 'second' })]);
      await expect(second).rejects.toThrow(StorageConflict);
      await expect(second).rejects.toMatchObject({
        write: { kind: 'insert', collection: notes, position: 0 },
      });
      expect((await storage.get(notes, id))?.value.text).toBe('first');
    });

    test('insert takes the place of a record that has expired but is still there', async () => {
      const id = newId();
      await storage.commit([insert(tickets, id, { text: 'old', group: 'g1' }, inSeconds(5))]);
      await storage.commit([consume(tickets, id)]);
      clock.advance(5);
      await storage.commit([insert(tickets, id, { text: 'new' }, inSeconds(5))]);
      const stored = await storage.get(tickets, id);
      expect(stored?.value).toEqual({ text: 'new' });
      expect(stored?.consumedAt).toBeUndefined();
      expect(await storage.count(tickets, 'group', 'g1')).toBe(0);
    });

    test('of 50 parallel inserts of one id one succeeds', async () => {
      const id = newId();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 50 }, (_, n) =>
          storage.commit([insert(tickets, id, { text: `${n}` }, inSeconds(5))]),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('put inserts, replaces, and clears the mark of consumption', async () => {
      const id = newId();
      await storage.commit([put(notes, id, { text: 'a', group: 'g2' }, inSeconds(60))]);
      const first = await mustGet(id);
      await storage.commit([consume(notes, id)]);
      await storage.commit([put(notes, id, { text: 'b' })]);
      const { version, ...stored } = await mustGet(id);
      expect(stored).toEqual({ id, value: { text: 'b' } });
      expect(version).toBeGreaterThan(first.version);
      expect(await storage.count(notes, 'group', 'g2')).toBe(0);
    });
  });

  describe('update', () => {
    test('replaces what nobody has written since, and keeps expiry and consumption', async () => {
      const id = newId();
      const expiresAt = inSeconds(60);
      await storage.commit([insert(notes, id, { text: 'a' }, expiresAt), consume(notes, id)]);
      const stored = await mustGet(id);
      await storage.commit([update(notes, stored, { text: 'b' })]);
      const { value, version, consumedAt } = await mustGet(id);
      expect(value).toEqual({ text: 'b' });
      expect(version).toBe(stored.version + 1);
      expect(consumedAt).toEqual(new Date(clock.now()));
      expect((await mustGet(id)).expiresAt).toEqual(expiresAt);
    });

    test('conflicts where the record moved on, was consumed, is gone or has expired', async () => {
      const id = newId();
      await storage.commit([insert(notes, id, { text: 'a' }, inSeconds(5))]);
      const stale = await mustGet(id);
      await storage.commit([update(notes, stale, { text: 'b' })]);
      const outdated = () => storage.commit([update(notes, stale, { text: 'c' })]);
      await expect(outdated()).rejects.toThrow(StorageConflict);
      const current = await mustGet(id);
      expect(current.value.text).toBe('b');
      await storage.commit([consume(notes, id)]);
      await expect(storage.commit([update(notes, current, { text: 'd' })])).rejects.toThrow(
        StorageConflict,
      );
      const consumed = await mustGet(id);
      clock.advance(5);
      await expect(storage.commit([update(notes, consumed, { text: 'e' })])).rejects.toThrow(
        StorageConflict,
      );
      await storage.commit([remove(notes, id)]);
      await expect(outdated()).rejects.toThrow(StorageConflict);
    });

    test('of parallel updates of one version one succeeds', async () => {
      const id = newId();
      await storage.commit([insert(notes, id, { text: '0' })]);
      const stored = await mustGet(id);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) =>
          storage.commit([update(notes, stored, { text: `${n}` })]),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await mustGet(id)).version).toBe(stored.version + 1);
    });
  });

  describe('versions', () => {
    test('of a record that is made again do not repeat, however it was made', async () => {
      const id = newId();
      const seen: number[] = [];
      for (const make of [insert, put, insert, put]) {
        await storage.commit([make(notes, id, { text: 'a' })]);
        for (let times = 0; times < 3; times++) {
          seen.push((await mustGet(id)).version);
          await storage.commit([put(notes, id, { text: 'b' })]);
        }
        await storage.commit([remove(notes, id)]);
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.every(Number.isSafeInteger)).toBe(true);
    });
  });

  describe('consume', () => {
    test('succeeds for one of 50 parallel callers', async () => {
      const id = newId();
      await storage.commit([insert(tickets, id, { text: 'a' }, inSeconds(60))]);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 50 }, () => storage.commit([consume(tickets, id)])),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(StorageConflict);
      }
      expect((await storage.get(tickets, id))?.consumedAt).toEqual(new Date(clock.now()));
    });

    test('conflicts for an unknown and for an expired id', async () => {
      const id = newId();
      await expect(storage.commit([consume(tickets, id)])).rejects.toThrow(StorageConflict);
      await storage.commit([insert(tickets, id, { text: 'a' }, inSeconds(5))]);
      clock.advance(5);
      await expect(storage.commit([consume(tickets, id)])).rejects.toThrow(StorageConflict);
    });
  });

  describe('remove', () => {
    test('removes, and does not mind what is not there', async () => {
      const id = newId();
      await storage.commit([insert(notes, id, { text: 'a' })]);
      await storage.commit([remove(notes, id), remove(notes, newId())]);
      expect(await storage.get(notes, id)).toBeUndefined();
    });

    test('with a version conflicts where the record moved on, and only there', async () => {
      const id = newId();
      await storage.commit([insert(notes, id, { text: 'a' })]);
      const { version: first } = await mustGet(id);
      await storage.commit([put(notes, id, { text: 'b' })]);
      const { version: second } = await mustGet(id);
      await expect(storage.commit([remove(notes, id, first)])).rejects.toThrow(StorageConflict);
      await storage.commit([remove(notes, id, second)]);
      expect(await storage.get(notes, id)).toBeUndefined();
      await storage.commit([remove(notes, id, second)]);
    });

    test('removeWhere removes every record with the value and no other', async () => {
      const [first, second, other, none] = [newId(), newId(), newId(), newId()];
      await storage.commit([
        insert(tickets, first, { text: '1', group: 'revoked' }),
        insert(tickets, second, { text: '2', group: 'revoked' }, inSeconds(60)),
        insert(tickets, other, { text: '3', group: 'kept' }),
        insert(tickets, none, { text: '4' }),
      ]);
      await storage.commit([removeWhere(tickets, 'group', 'revoked')]);
      const left = await Promise.all(
        [first, second, other, none].map((id) => storage.get(tickets, id)),
      );
      expect(left.map((record) => record?.value.text)).toEqual([undefined, undefined, '3', '4']);
    });
  });

  describe('find', () => {
    const day = (n: number) => `2026-01-${String(n).padStart(2, '0')}`;

    beforeAll(async () => {
      const writes = Array.from({ length: 12 }, (_, n) =>
        insert(notes, `day-${n}`, {
          text: `${n}`,
          group: n % 2 ? 'odd' : 'even',
          // Two records a day, so that pages are cut inside of one value.
          time: day(Math.floor(n / 2) + 1),
        }),
      );
      await storage.commit(writes);
    });

    const texts = (page: { records: readonly { value: { text: string } }[] }) =>
      page.records.map(({ value }) => value.text);

    test('finds by equality, in the order of ids', async () => {
      const page = await storage.find(notes, { index: 'group', equals: 'odd', limit: 100 });
      expect(page.records.map(({ id }) => id)).toEqual(
        ['day-1', 'day-3', 'day-5', 'day-7', 'day-9', 'day-11'].sort(),
      );
      expect(page).not.toHaveProperty('next');
      expect(await storage.count(notes, 'group', 'odd')).toBe(6);
      expect(await storage.count(notes, 'group', 'nothing')).toBe(0);
    });

    test('finds a half-open range, and the whole index without one', async () => {
      const range = { index: 'time', from: day(2), to: day(4), limit: 100 };
      expect(texts(await storage.find(notes, range))).toEqual(['2', '3', '4', '5']);
      expect(texts(await storage.find(notes, { index: 'time', from: day(6), limit: 9 }))).toEqual([
        '10',
        '11',
      ]);
      expect((await storage.find(notes, { index: 'time', limit: 100 })).records).toHaveLength(12);
    });

    test.each(['ascending', 'descending'] as const)(
      'pages through everything once, %s, with a cursor on the last page missing',
      async (order) => {
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const page = await storage.find(notes, { index: 'time', limit: 5, after, order });
          expect(page.records.length).toBeLessThanOrEqual(5);
          seen.push(...texts(page));
          after = page.next;
        } while (after);
        const all = [...'0123456789'].concat('10', '11');
        expect(seen).toEqual(order === 'ascending' ? all : all.toReversed());
      },
    );

    test('gives no next page where the last one is full', async () => {
      const page = await storage.find(notes, { index: 'time', limit: 12 });
      expect(page.next).toBeUndefined();
    });

    test.each(['', 'x', '!!', Buffer.from('["a"]').toString('base64url'), `WyJhIiwiYiJd==`])(
      'refuses the cursor %j',
      async (after) => {
        const page = storage.find(notes, { index: 'time', limit: 5, after });
        await expect(page).rejects.toThrow(InvalidCursor);
      },
    );

    test.each([0, -1, 1001, 1.5, Number.NaN])('refuses a page of %d', async (limit) => {
      await expect(storage.find(notes, { index: 'time', limit })).rejects.toThrow(RangeError);
    });

    test('refuses an index that is not declared', async () => {
      await expect(storage.find(notes, { index: 'text', limit: 1 })).rejects.toThrow('no index');
      await expect(storage.count(notes, 'text', 'a')).rejects.toThrow('no index');
      await expect(storage.commit([removeWhere(notes, 'text', 'a')])).rejects.toThrow('no index');
    });

    test('leaves out what has expired', async () => {
      const group = newId();
      await storage.commit([
        insert(tickets, newId(), { text: 'short', group }, inSeconds(5)),
        insert(tickets, newId(), { text: 'long', group }, inSeconds(50)),
      ]);
      clock.advance(5);
      const page = await storage.find(tickets, { index: 'group', equals: group, limit: 5 });
      expect(texts(page)).toEqual(['long']);
      expect(await storage.count(tickets, 'group', group)).toBe(1);
    });
  });

  describe('expiry', () => {
    test('holds at the very millisecond', async () => {
      const id = newId();
      await storage.commit([insert(tickets, id, { text: 'a' }, new Date(clock.now() + 1))]);
      expect(await storage.get(tickets, id)).toBeDefined();
      clock.advance(0.001);
      expect(await storage.get(tickets, id)).toBeUndefined();
    });
  });

  describe('commit', () => {
    test('of nothing is nothing', async () => {
      await storage.commit([]);
    });

    test('writes nothing else where a condition does not hold, and names it', async () => {
      const [taken, free, gone] = [newId(), newId(), newId()];
      await storage.commit([
        insert(notes, taken, { text: 'a' }),
        insert(notes, gone, { text: 'b' }),
      ]);
      const commit = storage.commit([
        put(notes, free, { text: 'c' }),
        remove(notes, gone),
        insert(notes, taken, { text: 'd' }),
      ]);
      await expect(commit).rejects.toMatchObject({ write: { kind: 'insert', position: 2 } });
      expect(await storage.get(notes, free)).toBeUndefined();
      expect(await storage.get(notes, gone)).toBeDefined();
    });

    test('writes nothing at all for a race that was lost before, wherever in the list', async () => {
      const [moved, fresh, free] = [newId(), newId(), newId()];
      await storage.commit([
        insert(notes, moved, { text: 'a' }),
        insert(notes, free, { text: 'a' }),
      ]);
      const [stale, current] = [await mustGet(moved), await mustGet(free)];
      await storage.commit([update(notes, stale, { text: 'b' })]);
      const commit = storage.commit([
        insert(notes, fresh, { text: 'c' }),
        update(notes, current, { text: 'c' }),
        consume(notes, free),
        update(notes, stale, { text: 'c' }),
      ]);
      await expect(commit).rejects.toMatchObject({ write: { kind: 'update', position: 3 } });
      expect(await storage.get(notes, fresh)).toBeUndefined();
      expect(await mustGet(free)).toEqual(current);
      expect((await mustGet(moved)).value.text).toBe('b');
    });

    test('does not fail because of the conflict of another caller', async () => {
      const taken = newId();
      await storage.commit([insert(notes, taken, { text: 'a' })]);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 40 }, (_, n) => {
          const own = put(notes, `many-${n}`, { text: `${n}` });
          return storage.commit(n % 2 ? [own] : [own, insert(notes, taken, { text: 'x' })]);
        }),
      );
      expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(
        Array.from({ length: 40 }, (_, n) => n % 2 === 1),
      );
      const stored = await Promise.all(
        Array.from({ length: 40 }, (_, n) => storage.get(notes, `many-${n}`)),
      );
      expect(stored.map(Boolean)).toEqual(Array.from({ length: 40 }, (_, n) => n % 2 === 1));
    });

    test('applies writes of one record in order', async () => {
      const id = newId();
      await storage.commit([put(notes, id, { text: 'a' }), remove(notes, id)]);
      expect(await storage.get(notes, id)).toBeUndefined();
      await storage.commit([remove(notes, id), put(notes, id, { text: 'b' })]);
      expect((await mustGet(id)).value.text).toBe('b');
    });

    test('is refused once the storage is closed, which may happen twice', async () => {
      const database = await kind.create();
      const closing = await openStorage({ ...database, collections: testCollections, clock });
      const last = closing.commit([insert(notes, 'last', { text: 'kept' })]);
      await last;
      await closing.close();
      await closing.close();
      await expect(closing.commit([insert(notes, 'late', { text: 'x' })])).rejects.toThrow();
      const again = await openStorage({ ...database, collections: testCollections, clock });
      expect((await again.get(notes, 'last'))?.value.text).toBe('kept');
      expect(await again.get(notes, 'late')).toBeUndefined();
      await again.close();
    });
  });

  test('tells each call to the hook', async () => {
    const calls: string[] = [];
    const database = await kind.create();
    const counted = await openStorage({
      ...database,
      collections: testCollections,
      clock,
      onCall: ({ operation, collection }) => calls.push(`${operation} ${collection}`),
    });
    await counted.commit([insert(notes, 'a', { text: 'a' }), put(tickets, 'b', { text: 'b' })]);
    await counted.get(notes, 'a');
    await counted.find(notes, { index: 'group', limit: 1 });
    await counted.count(tickets, 'group', 'x');
    await counted.close();
    expect(calls).toEqual(['commit note,ticket', 'get note', 'find note', 'count ticket']);
  });

  async function mustGet(id: string) {
    const stored = await storage.get(notes, id);
    if (!stored) throw new Error(`${id} is not stored`);
    return stored;
  }
}
