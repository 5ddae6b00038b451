import type { Collection, Stored, Write } from '../../core/storage.js';

/** What the writes gathered for a collection make of its records, before they are committed. */
export interface GatheredRecords<Value> {
  /** The ids given a value, the latest first. */
  readonly written: readonly string[];
  /** Whether the writes settle what the id holds, so that the store need not be asked. */
  settles(id: string): boolean;
  /** The record as it will be after the commit, from the record as the store has it. */
  apply(id: string, stored: Stored<Value> | undefined): Stored<Value> | undefined;
}

/**
 * @param writes those for this collection, in order.
 * @param now milliseconds, the time of consumption where a record is read as consumed.
 */
export function gatherRecords<Value>(
  writes: readonly Write[],
  collection: Collection<Value>,
  now: number,
): GatheredRecords<Value> {
  return {
    written: [...new Set(writes.filter(hasValue).map(({ id }) => id))].reverse(),
    settles: (id) => writes.some((write) => replaces(write) && write.id === id),
    apply(id, stored) {
      let record = stored;
      for (const write of writes) {
        if (write.kind === 'deleteWhere') {
          if (record && collection.indexValues(record.value)[write.index] === write.value) {
            record = undefined;
          }
        } else if (write.id === id) {
          record = applyWrite(write, record, now);
        }
      }
      return record;
    },
  };
}

type WriteOfId = Exclude<Write, { readonly kind: 'deleteWhere' }>;

function applyWrite<Value>(
  write: WriteOfId,
  record: Stored<Value> | undefined,
  now: number,
): Stored<Value> | undefined {
  if (write.kind === 'delete') return undefined;
  if (write.kind === 'consume') return record && { ...record, consumedAt: new Date(now) };
  return {
    id: write.id,
    // Made for this collection by `insert`, `put` or `update`, whose value has its type. A copy, as
    // a store would give one: the reader may change it.
    value: structuredClone(write.value) as Value,
    version: (record?.version ?? 0) + 1,
    ...(write.expiresAt && { expiresAt: write.expiresAt }),
  };
}

function hasValue(write: Write): write is Extract<Write, { readonly value: unknown; id: string }> {
  return write.kind === 'insert' || write.kind === 'put' || write.kind === 'update';
}

/** An update leaves open whether its condition holds, a consumption what is consumed. */
function replaces(write: Write): write is WriteOfId {
  return write.kind === 'insert' || write.kind === 'put' || write.kind === 'delete';
}
