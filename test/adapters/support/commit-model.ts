import type { Collection, Write } from '../../../core/storage.js';
import type { Note } from './test-collections.js';

/** What the model remembers of a live record. */
export interface ModelRecord {
  readonly value: Note;
  readonly version: number;
  readonly consumedAt: number | undefined;
  readonly expiresAt: number | undefined;
}

/** Records by collection and id; the storage port as plain code. */
export type Model = ReadonlyMap<Collection<Note>, ReadonlyMap<string, ModelRecord>>;

/**
 * Commits to the model.
 * @param transactional whether a conflict takes back the conditional writes before it. Otherwise
 * only one that can be seen before anything is written leaves everything as it is.
 * @returns the model afterwards, and the position of the lost write.
 */
export function commitToModel(
  model: Model,
  writes: readonly Write[],
  { transactional, now }: { transactional: boolean; now: number },
): { model: Model; lost: number | undefined } {
  const next = new Map([...model].map(([collection, records]) => [collection, new Map(records)]));
  const order = [...writes.keys()];
  const seen = transactional ? undefined : order.find((n) => !holdsBefore(model, writes, n, now));
  if (seen !== undefined) return { model, lost: seen };
  const ordered = transactional
    ? order
    : [
        ...order.filter((n) => isConditional(writes[n])),
        ...order.filter((n) => !isConditional(writes[n])),
      ];
  for (const position of ordered) {
    const write = writes[position];
    const records = [...next].find(([collection]) => collection === write?.collection)?.[1];
    if (!write || !records) throw new Error('The model has no such collection');
    if (!applyToModel(records, write, now)) {
      return { model: transactional ? model : next, lost: position };
    }
  }
  return { model: next, lost: undefined };
}

/** Whether a write's condition holds before the list, or depends on what the list does first. */
function holdsBefore(model: Model, writes: readonly Write[], position: number, now: number) {
  const write = writes[position];
  if (!write || !isConditional(write) || write.kind === 'deleteWhere') return true;
  const isTouched = writes
    .slice(0, position)
    .some(
      (earlier) =>
        isConditional(earlier) &&
        earlier.collection === write.collection &&
        earlier.kind !== 'deleteWhere' &&
        earlier.id === write.id,
    );
  const records = [...model].find(([collection]) => collection === write.collection)?.[1];
  return isTouched || applyToModel(new Map(records), write, now);
}

function isConditional(write: Write | undefined): boolean {
  if (write?.kind === 'delete') return write.version !== undefined;
  return write?.kind === 'insert' || write?.kind === 'update' || write?.kind === 'consume';
}

function applyToModel(records: Map<string, ModelRecord>, write: Write, now: number): boolean {
  if (write.kind === 'deleteWhere') {
    for (const [id, { value }] of records) {
      if (write.collection.indexValues(value)[write.index] === write.value) records.delete(id);
    }
    return true;
  }
  const found = records.get(write.id);
  const live = found && (found.expiresAt ?? Number.POSITIVE_INFINITY) > now ? found : undefined;
  switch (write.kind) {
    case 'delete':
      if (write.version !== undefined && live && live.version !== write.version) return false;
      records.delete(write.id);
      return true;
    case 'consume':
      if (!live || live.consumedAt !== undefined) return false;
      records.set(write.id, { ...live, consumedAt: now, version: live.version + 1 });
      return true;
    default: {
      if (write.kind === 'insert' && live) return false;
      if (write.kind === 'update' && live?.version !== write.version) return false;
      const consumedAt = write.kind === 'update' ? live?.consumedAt : undefined;
      const version = (live?.version ?? 0) + 1;
      const expiresAt = write.expiresAt?.getTime();
      records.set(write.id, { value: write.value as Note, version, consumedAt, expiresAt });
      return true;
    }
  }
}
