import { createConnection } from 'mongoose';
import type {
  Engine,
  EngineCollection,
  EngineQuery,
  EngineRecord,
  EngineWrite,
} from '../engine.js';
import {
  applyConditional,
  applyUnconditional,
  holds,
  isConditional,
  isSame,
  live,
  type MongoCollection,
} from './apply-writes.js';
import { createIndexes, defineModel, type StoredRecord, writeConcern } from './stored-record.js';

interface MongoOptions {
  /** `mongodb://…/name of the database`. */
  readonly url: string;
  readonly collections: readonly EngineCollection[];
}

/**
 * MongoDB as an engine: one document per record, majority writes, reads from the primary, since a
 * lagging secondary would show a consumed code as unused. Without transactions, which not every
 * deployment has, a list of writes is ordered instead: see {@link Storage.commit}.
 * @throws Error where no server answers within five seconds.
 */
export async function openMongo({ url, collections }: MongoOptions): Promise<Engine> {
  const connection = await createConnection(url, {
    bufferCommands: false,
    autoIndex: false,
    autoCreate: false,
    serverSelectionTimeoutMS: 5_000,
    readPreference: 'primary',
    promoteBuffers: true,
    writeConcern,
  }).asPromise();
  const opened = new Map<string, MongoCollection>();
  try {
    for (const collection of collections) {
      const model = defineModel(connection, collection);
      await createIndexes(model, collection);
      opened.set(collection.name, { model, indexes: collection.indexes });
    }
  } catch (error) {
    await connection.close();
    throw error;
  }

  function collectionOf(name: string): MongoCollection {
    const collection = opened.get(name);
    if (!collection) throw new Error(`The storage was opened without the collection ${name}`);
    return collection;
  }

  /** The first condition of several that does not hold even now, so that nothing need be written. */
  async function findLost(writes: readonly EngineWrite[], now: number) {
    const conditional = writes.filter(isConditional);
    if (conditional.length < 2) return undefined;
    const held = await Promise.all(
      conditional.map((write, position) => {
        // What an earlier write of the list makes of the record cannot be seen yet.
        const isTouched = conditional.slice(0, position).some((earlier) => isSame(earlier, write));
        return isTouched || holds(collectionOf(write.collection), write, now);
      }),
    );
    const lost = conditional[held.indexOf(false)];
    return lost && writes.indexOf(lost);
  }

  return {
    async get(collection, id, now) {
      const found = await collectionOf(collection)
        .model.findOne({ _id: id, ...live(now) })
        .lean();
      return found ? toRecord(found) : undefined;
    },

    async find(collection, query, now) {
      const direction = query.descending ? -1 : 1;
      const field = `index.${query.index}`;
      const found = await collectionOf(collection)
        .model.find({ $and: [live(now), ...toFilters(field, query)] })
        .sort({ [field]: direction, _id: direction })
        .limit(query.limit)
        .lean();
      return found.map((record) => ({
        ...toRecord(record),
        indexValue: record.index[query.index] ?? '',
      }));
    },

    count: (collection, index, equals, now) =>
      collectionOf(collection).model.countDocuments({ [`index.${index}`]: equals, ...live(now) }),

    async commit(writes, now) {
      const lost = await findLost(writes, now);
      if (lost !== undefined) return lost;
      for (const [position, write] of writes.entries()) {
        if (!isConditional(write)) continue;
        if (!(await applyConditional(collectionOf(write.collection), write, now))) return position;
      }
      const rest = Map.groupBy(
        writes.filter((write) => !isConditional(write)),
        (write) => write.collection,
      );
      await Promise.all(
        [...rest].map(([collection, own]) => applyUnconditional(collectionOf(collection), own)),
      );
      return undefined;
    },

    close: () => connection.close(),
  };
}

/** `$gte` compares like with like: a record without the value is never in a range of strings. */
function toFilters(field: string, { equals, from, to, after, descending }: EngineQuery) {
  const range = { $gte: from ?? '', ...(to !== undefined && { $lt: to }) };
  const filters: Record<string, unknown>[] = [{ [field]: equals ?? range }];
  if (after) {
    const [value, id] = after;
    const beyond = descending ? '$lt' : '$gt';
    filters.push({
      $or: [{ [field]: { [beyond]: value } }, { [field]: value, _id: { [beyond]: id } }],
    });
  }
  return filters;
}

function toRecord({ _id, sealed, version, consumedAt, expiresAt }: StoredRecord): EngineRecord {
  return {
    id: _id,
    sealed,
    version,
    consumedAt: consumedAt?.getTime(),
    expiresAt: expiresAt?.getTime(),
  };
}
