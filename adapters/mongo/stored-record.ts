import { type Connection, type Model, Schema } from 'mongoose';
import type { EngineCollection } from '../engine.js';

/** A record as MongoDB holds it. Absent times are null, so that one comparison finds them. */
export interface StoredRecord {
  /** The stored id, never an ObjectId. */
  _id: string;
  /** Bytes, so that neither member order nor dots and dollars in names meet BSON. */
  sealed: Buffer;
  version: number;
  consumedAt: Date | null;
  expiresAt: Date | null;
  index: Record<string, string>;
}

/** Majority and journal: what was acknowledged survives the loss of any one member. */
export const writeConcern = { w: 'majority', j: true } as const;

/** The model of a collection; nothing is made in the database until {@link createIndexes}. */
export function defineModel(
  connection: Connection,
  { name, indexes }: EngineCollection,
): Model<StoredRecord> {
  const index = Object.fromEntries(indexes.map((one) => [one, String]));
  const schema = new Schema<StoredRecord>(
    {
      _id: String,
      sealed: Buffer,
      version: Number,
      consumedAt: Date,
      expiresAt: Date,
      index: { type: new Schema(index, { _id: false }) },
    },
    { versionKey: false, autoIndex: false, autoCreate: false, writeConcern },
  );
  return connection.model<StoredRecord>(name, schema, name);
}

/**
 * Makes the missing indexes, one after the other. MongoDB's sweep removes what has expired by the
 * server's clock, once a minute; every read checks the expiry by ours.
 */
export async function createIndexes(
  { collection }: Model<StoredRecord>,
  { indexes }: EngineCollection,
): Promise<void> {
  await collection.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
  for (const index of indexes) await collection.createIndex({ [`index.${index}`]: 1, _id: 1 });
}
