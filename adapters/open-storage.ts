import type { Clock } from '../core/clock.js';
import type { Collection, Storage } from '../core/storage.js';
import type { Engine, EngineCollection } from './engine.js';
import { createSealedStorage, type StorageCall } from './sealed-storage.js';
import { dataKeys, openKeyring } from './sealing/keyring.js';
import type { MasterKey } from './sealing/master-key.js';
import { openSqlite } from './sqlite/open-sqlite.js';

export interface StorageOptions {
  /** `sqlite:<path of the file>` or `mongodb://…` (also `mongodb+srv://…`) with a database name. */
  readonly url: string;
  readonly masterKey: MasterKey;
  /** Every collection that will be used; tables and indexes are made for them when missing. */
  readonly collections: readonly Collection<unknown>[];
  readonly clock: Clock;
  /** Told of each call before it is made; tests count with it. */
  readonly onCall?: (call: StorageCall) => void;
}

/** The storage port, and what only the one who opened the store may do with it. */
export interface OpenedStorage extends Storage {
  /**
   * Adds a data key, which seals from now on in this process, and in another from when it starts or
   * first meets a record of that key. Nothing needs to stop: records of every key stay readable.
   */
  rotateDataKey(): Promise<void>;
}

/**
 * Opens the store and its keyring.
 * @throws Error with one sentence for the operator: an unknown kind of URL, a database that cannot
 * be reached, a master key that is missing or not this store's.
 */
export async function openStorage(options: StorageOptions): Promise<OpenedStorage> {
  const { url, masterKey, clock, onCall } = options;
  const engine = await openEngine(url, [dataKeys, ...distinct(options.collections)]);
  try {
    const keyring = await openKeyring({ engine, masterKey, now: () => clock.now() });
    const storage = createSealedStorage({ engine, keyring, clock, onCall });
    return { ...storage, rotateDataKey: () => keyring.rotate() };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function openEngine(url: string, collections: EngineCollection[]): Promise<Engine> {
  if (url.startsWith('sqlite:')) {
    return openSqlite({ path: url.slice('sqlite:'.length), collections });
  }
  if (/^mongodb(\+srv)?:\/\//.test(url)) {
    // Imported where it is used: the driver costs every start without it time and memory.
    const { openMongo } = await import('./mongo/open-mongo.js');
    return openMongo({ url, collections });
  }
  throw new Error('The storage URL must begin with sqlite: or mongodb://');
}

const identifier = /^[A-Za-z][A-Za-z0-9_]*$/;

/** Names become parts of SQL and of field names; two collections of one name would share records. */
function distinct(collections: readonly Collection<unknown>[]): EngineCollection[] {
  const byName = new Map<string, Collection<unknown>>();
  for (const collection of collections) {
    for (const name of [collection.name, ...collection.indexes]) {
      if (!identifier.test(name)) throw new TypeError(`${name} cannot name a collection or index`);
    }
    const other = byName.get(collection.name);
    if (other && other !== collection) {
      throw new TypeError(`Two collections are named ${collection.name}`);
    }
    byName.set(collection.name, collection);
  }
  return [...byName.values()].map(({ name, indexes }) => ({ name, indexes }));
}
