import { randomInt } from 'node:crypto';
import { type AnyBulkWriteOperation, type Model, mongo } from 'mongoose';
import type { EngineWrite, RecordWrite } from '../engine.js';
import type { StoredRecord } from './stored-record.js';

/** A collection's model with the names its index values go under. */
export interface MongoCollection {
  readonly model: Model<StoredRecord>;
  readonly indexes: readonly string[];
}

/** The records whose time has not come. */
export function live(now: number) {
  return { $or: [{ expiresAt: null }, { expiresAt: { $gt: new Date(now) } }] };
}

/** A write that applies only where the record is as it expects. */
export type ConditionalWrite = Exclude<EngineWrite, { kind: 'deleteWhere' }>;

export function isConditional(write: EngineWrite): write is ConditionalWrite {
  const { kind } = write;
  return (
    kind === 'insert' ||
    kind === 'update' ||
    kind === 'consume' ||
    (kind === 'delete' && write.version !== undefined)
  );
}

/** Whether two writes are of one record. */
export function isSame(one: ConditionalWrite, other: ConditionalWrite): boolean {
  return one.collection === other.collection && one.id === other.id;
}

/** Whether a write's condition holds now, without writing. */
export async function holds(
  { model }: MongoCollection,
  write: ConditionalWrite,
  now: number,
): Promise<boolean> {
  const found = await model
    .findOne({ _id: write.id, ...live(now) }, { version: 1, consumedAt: 1 })
    .lean();
  switch (write.kind) {
    case 'insert':
      return found === null;
    case 'update':
      return found?.version === write.version;
    case 'consume':
      return found?.consumedAt === null;
    case 'delete':
      return found === null || found.version === write.version;
    default:
      throw new Error(`${write.kind} has no condition`);
  }
}

/**
 * One conditional write as one atomic operation on one document.
 * @returns whether its condition held.
 */
export async function applyConditional(
  { model, indexes }: MongoCollection,
  write: EngineWrite,
  now: number,
): Promise<boolean> {
  switch (write.kind) {
    case 'insert': {
      // A live record does not match, so the upsert inserts and meets its id; an expired one that
      // the sweep has not reached is overwritten.
      const expired = { _id: write.id, expiresAt: { $lte: new Date(now) } };
      const update = toUpdate(write, indexes);
      return !(await isDuplicate(model.updateOne(expired, update, { upsert: true }).exec()));
    }
    case 'update': {
      const current = { _id: write.id, version: write.version, ...live(now) };
      return (await model.updateOne(current, toUpdate(write, indexes))).matchedCount === 1;
    }
    case 'consume': {
      const unused = { _id: write.id, consumedAt: null, ...live(now) };
      const mark = { $set: { consumedAt: new Date(now) }, $inc: { version: 1 } };
      return (await model.updateOne(unused, mark)).matchedCount === 1;
    }
    case 'delete': {
      const { id: _id, version } = write;
      const current = { _id, ...(version !== undefined && { version }) };
      if ((await model.deleteOne(current)).deletedCount === 1) return true;
      return (await model.exists({ _id, ...live(now) })) === null;
    }
    default:
      throw new Error(`${write.kind} has no condition`);
  }
}

/** The writes of one collection that cannot be refused, in order and in one round trip. */
export async function applyUnconditional(
  { model, indexes }: MongoCollection,
  writes: readonly EngineWrite[],
): Promise<void> {
  const operations = writes.map((write) => toOperation(write, indexes));
  // Two upserts of one new id can meet; at the second try the record is there to be replaced.
  if (await isDuplicate(model.bulkWrite(operations))) await model.bulkWrite(operations);
}

function toOperation(
  write: EngineWrite,
  indexes: readonly string[],
): AnyBulkWriteOperation<StoredRecord> {
  switch (write.kind) {
    case 'put': {
      const update = toUpdate(write, indexes);
      return { updateOne: { filter: { _id: write.id }, update, upsert: true } };
    }
    case 'delete':
      return { deleteOne: { filter: { _id: write.id } } };
    case 'deleteWhere':
      return { deleteMany: { filter: { [`index.${write.index}`]: write.value } } };
    default:
      throw new Error(`${write.kind} is conditional`);
  }
}

/** An update leaves the mark of consumption, a record that takes the place of another does not. */
function toUpdate(write: RecordWrite & { readonly kind: string }, indexes: readonly string[]) {
  const { kind, sealed, expiresAt, indexValues } = write;
  const entries = indexes.flatMap((index, position) => {
    const value = indexValues[position];
    return value === undefined ? [] : [[index, value] as const];
  });
  const set = {
    sealed: Buffer.from(sealed),
    expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
    index: Object.fromEntries(entries),
  };
  return {
    $set: kind === 'update' ? set : { ...set, consumedAt: null },
    $inc: { version: kind === 'update' ? 1 : randomInt(1, versionSteps) },
  };
}

/**
 * What is put may be new or not, and a record that is made again must not come to a version that one
 * before it had, see `Stored`: so each time it goes on by a leap.
 */
const versionSteps = 2 ** 30;

const duplicateKey = 11_000;

/** @returns whether the operation failed because the id is taken. */
async function isDuplicate(operation: Promise<unknown>): Promise<boolean> {
  try {
    await operation;
    return false;
  } catch (error) {
    if (error instanceof mongo.MongoServerError && error.code === duplicateKey) return true;
    throw error;
  }
}
