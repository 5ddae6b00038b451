import type { Clock } from '../core/clock.js';
import {
  type Collection,
  type Page,
  type Query,
  type Storage,
  StorageConflict,
  type Stored,
  type Write,
} from '../core/storage.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { Engine, EngineQuery, EngineRecord, EngineWrite } from './engine.js';
import { createIdHash } from './sealing/id-hash.js';
import type { Keyring } from './sealing/keyring.js';
import { createSealer } from './sealing/sealer.js';

/** One call of the store, told to {@link SealedStorageDeps.onCall}. */
export interface StorageCall {
  readonly operation: 'get' | 'find' | 'count' | 'commit';
  /** The collection's name; of a commit the names of its writes' collections, joined by `,`. */
  readonly collection: string;
}

interface SealedStorageDeps {
  readonly engine: Engine;
  readonly keyring: Keyring;
  readonly clock: Clock;
  /** Told of each call before it is made; tests count with it. */
  readonly onCall?: ((call: StorageCall) => void) | undefined;
}

const largestPage = 1000;

/**
 * The storage port on an engine: hashes ids that are secrets, seals payloads, and turns an engine's
 * answers into the port's. The original id travels inside the sealed payload, `[id, value]`.
 */
export function createSealedStorage({
  engine,
  keyring,
  clock,
  onCall,
}: SealedStorageDeps): Storage {
  const sealer = createSealer(keyring);
  const hashId = createIdHash(keyring);

  /** The id as the engine sees it. */
  function storedId({ name, secretIds }: Collection<unknown>, id: string): string {
    return secretIds ? hashId(name, id) : id;
  }

  async function open<Value>(name: string, record: EngineRecord): Promise<Stored<Value>> {
    const place = `${name}/${record.id}`;
    let plaintext = sealer.open(place, record.sealed);
    if (!plaintext) {
      // Another process has rotated since this one read the keyring.
      await keyring.reload();
      plaintext = sealer.open(place, record.sealed);
    }
    if (!plaintext) throw new Error(`A record of ${name} is sealed with a key that is gone`);
    const [id, value]: [string, Value] = JSON.parse(plaintext.toString());
    const { version, consumedAt, expiresAt } = record;
    return {
      id,
      value,
      version,
      ...(consumedAt !== undefined && { consumedAt: new Date(consumedAt) }),
      ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
    };
  }

  function toEngineWrite(write: Write): EngineWrite {
    const { kind } = write;
    const collection = write.collection.name;
    if (kind === 'deleteWhere') {
      assertIndex(write.collection, write.index);
      return { kind, collection, index: write.index, value: write.value };
    }
    const id = storedId(write.collection, write.id);
    if (kind === 'consume') return { kind, collection, id };
    if (kind === 'delete') return { kind, collection, id, version: write.version };
    const values = write.collection.indexValues(write.value);
    const record = {
      collection,
      id,
      sealed: sealer.seal(`${collection}/${id}`, JSON.stringify([write.id, write.value])),
      expiresAt: write.expiresAt?.getTime(),
      indexValues: write.collection.indexes.map((index) => values[index]),
    };
    return kind === 'update' ? { kind, ...record, version: write.version } : { kind, ...record };
  }

  return {
    async get<Value>(collection: Collection<Value>, id: string) {
      onCall?.({ operation: 'get', collection: collection.name });
      const record = await engine.get(collection.name, storedId(collection, id), clock.now());
      return record && open<Value>(collection.name, record);
    },

    async find<Value>(collection: Collection<Value>, query: Query): Promise<Page<Value>> {
      const { limit } = query;
      const engineQuery = toEngineQuery(collection, query);
      onCall?.({ operation: 'find', collection: collection.name });
      const found = await engine.find(collection.name, engineQuery, clock.now());
      const page = found.slice(0, limit);
      const records = await Promise.all(page.map((record) => open<Value>(collection.name, record)));
      const last = page.at(-1);
      if (!last || found.length <= limit) return { records };
      return { records, next: encodeCursor([last.indexValue, last.id]) };
    },

    async count(collection, index, equals) {
      assertIndex(collection, index);
      onCall?.({ operation: 'count', collection: collection.name });
      return engine.count(collection.name, index, equals, clock.now());
    },

    async commit(writes) {
      if (writes.length === 0) return;
      const collection = writes.map((write) => write.collection.name).join();
      onCall?.({ operation: 'commit', collection });
      const position = await engine.commit(writes.map(toEngineWrite), clock.now());
      const lost = position === undefined ? undefined : writes[position];
      if (lost && position !== undefined) {
        throw new StorageConflict({ kind: lost.kind, collection: lost.collection, position });
      }
    },

    close: () => engine.close(),
  };
}

/** One record more than asked for tells whether there is a next page. */
function toEngineQuery(collection: Collection<unknown>, query: Query): EngineQuery {
  const { index, equals, from, to, limit, after, order } = query;
  assertIndex(collection, index);
  if (!Number.isInteger(limit) || limit < 1 || limit > largestPage) {
    throw new RangeError(`A page holds 1 to ${largestPage} records, not ${limit}`);
  }
  const position = after === undefined ? undefined : decodeCursor(after);
  const descending = order === 'descending';
  return { index, equals, from, to, after: position, descending, limit: limit + 1 };
}

function assertIndex(collection: Collection<unknown>, index: string): void {
  if (!collection.indexes.includes(index)) {
    throw new TypeError(`${collection.name} has no index ${index}`);
  }
}
