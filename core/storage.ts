/**
 * The storage port (architecture decision 6). `core/` declares it, `adapters/` implements it on
 * SQLite and on MongoDB, and one contract test holds both to the words below.
 */

/** A kind of record: its name, and the values by which it can be found besides its id. */
export interface Collection<Value> {
  /** Lower-case words joined by `_`; becomes the table or collection name. */
  readonly name: string;
  /**
   * True where the id is a bearer secret (a code, a token, a session cookie) or names a person: the
   * store then only ever sees a keyed hash of it, so that a stolen database opens nothing, and no
   * name can be looked up in it by guessing.
   */
  readonly secretIds?: boolean;
  /** The names of the indexes; what is not named here cannot be searched by. */
  readonly indexes: readonly string[];
  /**
   * The value under each index; a missing or undefined one leaves the record out of that index.
   * Index values are stored in the clear beside the sealed payload: never a secret or a name.
   */
  indexValues(value: Value): Readonly<Record<string, string | undefined>>;
}

/** A record as read: its value and what the store keeps beside it. */
export interface Stored<Value> {
  readonly id: string;
  readonly value: Value;
  /**
   * Grows with each write of this record, by one with an update; the token of compare-and-set. It
   * begins anywhere, so that a record which was removed and made again is not taken for the old one.
   */
  readonly version: number;
  /** When it was consumed, for single-use records. */
  readonly consumedAt?: Date;
  readonly expiresAt?: Date;
}

/** One change, made by the functions below. A list is committed together, see {@link Storage.commit}. */
export type Write =
  | (WriteOfValue & { readonly kind: 'insert' | 'put' })
  | (WriteOfValue & { readonly kind: 'update'; readonly version: number })
  | { readonly kind: 'consume'; readonly collection: Collection<unknown>; readonly id: string }
  | {
      readonly kind: 'delete';
      readonly collection: Collection<unknown>;
      readonly id: string;
      readonly version: number | undefined;
    }
  | {
      readonly kind: 'deleteWhere';
      readonly collection: Collection<unknown>;
      readonly index: string;
      readonly value: string;
    };

interface WriteOfValue {
  readonly collection: Collection<unknown>;
  readonly id: string;
  readonly value: unknown;
  readonly expiresAt: Date | undefined;
}

/** Fails with {@link StorageConflict} where a live (unexpired) record with this id exists. */
export function insert<Value>(
  collection: Collection<Value>,
  id: string,
  value: Value,
  expiresAt?: Date,
): Write {
  return { kind: 'insert', collection, id, value, expiresAt };
}

/** Inserts or replaces, unconditionally; a replaced record keeps no consumption mark. */
export function put<Value>(
  collection: Collection<Value>,
  id: string,
  value: Value,
  expiresAt?: Date,
): Write {
  return { kind: 'put', collection, id, value, expiresAt };
}

/**
 * Replaces `stored` where nobody has written it since it was read, else conflicts. A consumed record
 * stays consumed.
 */
export function update<Value>(
  collection: Collection<Value>,
  stored: Stored<Value>,
  value: Value,
  expiresAt: Date | undefined = stored.expiresAt,
): Write {
  return { kind: 'update', collection, id: stored.id, value, version: stored.version, expiresAt };
}

/**
 * Marks a live record consumed. Succeeds exactly once in the whole cluster; every other caller, in
 * any process, and a caller for an unknown or expired id, gets {@link StorageConflict}.
 */
export function consume<Value>(collection: Collection<Value>, id: string): Write {
  return { kind: 'consume', collection, id };
}

/** Removes; removing what is not there is no error. With `version`, conflicts where it moved on. */
export function remove<Value>(collection: Collection<Value>, id: string, version?: number): Write {
  return { kind: 'delete', collection, id, version };
}

/** Removes every record whose index has this value (revoke by grant). */
export function removeWhere<Value>(
  collection: Collection<Value>,
  index: string,
  value: string,
): Write {
  return { kind: 'deleteWhere', collection, index, value };
}

/** Which records to find: an indexed value, or a half-open range of one (`from` ≤ value < `to`). */
export interface Query {
  readonly index: string;
  readonly equals?: string;
  readonly from?: string;
  readonly to?: string;
  /** At most this many records (1 to 1000). */
  readonly limit: number;
  /** The `next` of the page before. An unreadable cursor throws {@link InvalidCursor}. */
  readonly after?: string | undefined;
  /** Order of (indexed value, id); ascending by default. */
  readonly order?: 'ascending' | 'descending';
}

export interface Page<Value> {
  readonly records: readonly Stored<Value>[];
  /** Pass as `after` for the next page; absent on the last. */
  readonly next?: string;
}

/**
 * Typed collections over one engine. Values are JSON; they come back as they went in, member order
 * included. Expired records are never returned, whether or not the engine has swept them yet.
 */
export interface Storage {
  get<Value>(collection: Collection<Value>, id: string): Promise<Stored<Value> | undefined>;
  find<Value>(collection: Collection<Value>, query: Query): Promise<Page<Value>>;
  /** How many live records an index holds for a value. */
  count<Value>(collection: Collection<Value>, index: string, equals: string): Promise<number>;
  /**
   * Applies the writes in order and resolves when they are durable: on SQLite all or nothing, one
   * transaction shared with the commits of concurrent callers without one's conflict failing
   * another; on MongoDB all conditions (insert, update, consume, remove with a version) are looked at
   * before anything is written, then the conditional writes are applied, in order, and then the
   * others. So a race that was lost before changes nothing, one lost at this very moment stops the
   * list at its write, and a crash may stop it anywhere: the write that decides who goes on stands
   * first. Never let an unconditional removal make room for an insert or an update of the same list:
   * use `put` there.
   * @throws {StorageConflict} naming the first write whose condition did not hold.
   */
  commit(writes: readonly Write[]): Promise<void>;
  close(): Promise<void>;
}

/** Which write of a list failed. */
export interface WritePosition {
  readonly kind: Write['kind'];
  readonly collection: Collection<unknown>;
  readonly position: number;
}

/** A conditional write lost: the record was there, was gone, had moved on, or was consumed. */
export class StorageConflict extends Error {
  override readonly name = 'StorageConflict';
  readonly write: WritePosition;

  constructor(write: WritePosition) {
    super(`${write.kind} on ${write.collection.name} did not apply`);
    this.write = write;
  }
}

/** A paging cursor that this store did not make. */
export class InvalidCursor extends Error {
  override readonly name = 'InvalidCursor';
}
