import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../core/clock.js';
import {
  type Collection,
  type Storage,
  StorageConflict,
  type Stored,
  type Write,
} from '../../core/storage.js';
import { gatherRecords } from './gathered-records.js';
import { oidcCollections } from './oidc-collections.js';
import { translateConflict } from './translate-conflict.js';

/**
 * Gathers what one request writes, so that it becomes one commit: "consume the code, store the
 * tokens" then happens together or not at all, and a request costs one durable write.
 */
export interface UnitOfWork {
  /**
   * Runs `work` with a unit of its own. What is still gathered when `work` resolves is committed
   * before `run` resolves; when it rejects, it is dropped.
   * @throws what `work` throws, and what {@link UnitOfWork.commit} throws.
   */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /**
   * Runs `work` as part of the unit at hand; where it rejects, what it gathered is dropped again, but for
   * the marks of used proofs.
   */
  attempt<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Gathers writes inside a unit; outside of one, commits them as a list of their own. */
  add(...writes: readonly Write[]): Promise<void>;
  /** As `Storage.get`, and sees what the unit has gathered. */
  get<Value>(collection: Collection<Value>, id: string): Promise<Stored<Value> | undefined>;
  /** A live record with this value under an index; sees what the unit has gathered. */
  findOne<Value>(
    collection: Collection<Value>,
    index: string,
    equals: string,
  ): Promise<Stored<Value> | undefined>;
  /**
   * Commits what is gathered, in order. The unit is empty afterwards, whatever the outcome.
   * @throws a protocol error of `oidc-provider` where a code, token, pushed request or proof was
   * used by somebody else first; {@link StorageConflict} where another record conflicts; the
   * engine's error where the store is lost.
   */
  commit(): Promise<void>;
  /**
   * Commits only what takes away, removals and the marks of used proofs, and drops the rest: for a
   * token-endpoint request that ended in an error. A response that failed must not have consumed
   * the credential it was asked with, and must still revoke what a replayed one had given.
   */
  commitRefusal(): Promise<void>;
}

interface Unit {
  writes: Write[];
}

/** Records with one value under a non-unique index that a unit may have replaced, at most. */
const candidates = 10;

/** A unit inside a unit is its own: it commits by itself, and the outer one does not see it. */
export function createUnitOfWork(storage: Storage, clock: Clock): UnitOfWork {
  const units = new AsyncLocalStorage<Unit>();

  async function commitWrites(writes: readonly Write[]): Promise<void> {
    try {
      await storage.commit(writes);
    } catch (error) {
      throw error instanceof StorageConflict ? translateConflict(error, writes) : error;
    }
  }

  async function commitUnit(unit: Unit, select = (writes: Write[]) => writes): Promise<void> {
    const { writes } = unit;
    unit.writes = [];
    await commitWrites(select(writes));
  }

  function gather<Value>(collection: Collection<Value>) {
    const writes = units.getStore()?.writes.filter((write) => write.collection === collection);
    return writes?.length ? gatherRecords(writes, collection, clock.now()) : undefined;
  }

  return {
    async run(work) {
      const unit: Unit = { writes: [] };
      const result = await units.run(unit, work);
      await commitUnit(unit);
      return result;
    },

    async attempt(work) {
      const before = units.getStore()?.writes.length ?? 0;
      try {
        return await work();
      } catch (error) {
        const writes = units.getStore()?.writes ?? [];
        writes.push(...writes.splice(before).filter(isUsedProof));
        throw error;
      }
    },

    async add(...writes) {
      const unit = units.getStore();
      if (unit) unit.writes.push(...writes);
      else await commitWrites(writes);
    },

    async get(collection, id) {
      const gathered = gather(collection);
      if (!gathered) return storage.get(collection, id);
      const stored = gathered.settles(id) ? undefined : await storage.get(collection, id);
      return gathered.apply(id, stored);
    },

    async findOne<Value>(collection: Collection<Value>, index: string, equals: string) {
      const query = { index, equals };
      const gathered = gather(collection);
      if (!gathered) return (await storage.find(collection, { ...query, limit: 1 })).records[0];
      const matches = (record: Stored<Value> | undefined) =>
        record && collection.indexValues(record.value)[index] === equals;
      const own = gathered.written.map((id) => gathered.apply(id, undefined)).find(matches);
      if (own) return own;
      const { records } = await storage.find(collection, { ...query, limit: candidates });
      return records.map((record) => gathered.apply(record.id, record)).find(matches);
    },

    async commit() {
      const unit = units.getStore();
      if (unit) await commitUnit(unit);
    },

    async commitRefusal() {
      const unit = units.getStore();
      if (unit) await commitUnit(unit, takeAway);
    },
  };
}

/**
 * Removals and marks of used proofs. A removal beside a write to the same collection is one half of
 * a replacement (a session under a new id) and goes with the other half.
 */
function takeAway(writes: readonly Write[]): Write[] {
  const replaced = new Set(
    writes.flatMap((write) =>
      'value' in write && write.kind !== 'deleteWhere' ? [write.collection] : [],
    ),
  );
  return writes.filter(
    (write) =>
      write.kind === 'deleteWhere' ||
      (write.kind === 'delete' && !replaced.has(write.collection)) ||
      isUsedProof(write),
  );
}

/** An assertion or proof works once, whatever came of the request that it was used for. */
function isUsedProof({ kind, collection }: Write): boolean {
  return kind === 'insert' && collection === oidcCollections.ReplayDetection;
}
