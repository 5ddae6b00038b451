/**
 * The port inside this room: what a database must do so that {@link Storage} can stand on it. An
 * engine sees no value and no secret id, only sealed bytes beside ids and index values in the form
 * in which they may be stored. Times are milliseconds since the epoch; `now` is the caller's clock.
 */

/** A collection as an engine sees it. Both names match `[A-Za-z][A-Za-z0-9_]*`. */
export interface EngineCollection {
  readonly name: string;
  readonly indexes: readonly string[];
}

export interface EngineRecord {
  readonly id: string;
  readonly sealed: Uint8Array;
  readonly version: number;
  readonly consumedAt: number | undefined;
  readonly expiresAt: number | undefined;
}

/** A record found by an index, with the value it was found under (half of the paging cursor). */
export interface IndexedRecord extends EngineRecord {
  readonly indexValue: string;
}

export interface EngineQuery {
  readonly index: string;
  readonly equals: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** The (indexed value, id) after which to go on. */
  readonly after: readonly [indexValue: string, id: string] | undefined;
  readonly descending: boolean;
  readonly limit: number;
}

/** What a write stores: one index value per index of the collection, in the order declared. */
export interface RecordWrite {
  readonly id: string;
  readonly sealed: Uint8Array;
  readonly expiresAt: number | undefined;
  readonly indexValues: readonly (string | undefined)[];
}

/** The writes of the storage port, each under its collection's name. */
export type EngineWrite = { readonly collection: string } & (
  | (RecordWrite & { readonly kind: 'insert' | 'put' })
  | (RecordWrite & { readonly kind: 'update'; readonly version: number })
  | { readonly kind: 'consume'; readonly id: string }
  | { readonly kind: 'delete'; readonly id: string; readonly version: number | undefined }
  | { readonly kind: 'deleteWhere'; readonly index: string; readonly value: string }
);

type Awaitable<Value> = Value | Promise<Value>;

export interface Engine {
  /** The live record, synchronously where the engine can. */
  get(collection: string, id: string, now: number): Awaitable<EngineRecord | undefined>;
  /** Live records in the order of (indexed value, id), both compared as UTF-8 bytes. */
  find(collection: string, query: EngineQuery, now: number): Awaitable<IndexedRecord[]>;
  count(collection: string, index: string, equals: string, now: number): Awaitable<number>;
  /**
   * Resolves when the writes are durable, with undefined, or, nothing having been written beyond
   * what the storage port allows, with the position of the first that did not apply.
   * @throws where the database is out of reach or refuses; what was written is then unknown.
   */
  commit(writes: readonly EngineWrite[], now: number): Promise<number | undefined>;
  /** Finishes the commits under way and lets go of the database. Closing twice is no error. */
  close(): Promise<void>;
}
