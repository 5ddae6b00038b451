/** What the main thread and the writing thread tell each other; plain arrays, which clone cheaply. */

/** A write: which table (its place in the list of collections), and the columns it sets. */
export type WriteTuple =
  | [kind: 'insert' | 'put', table: number, id: string, ...RecordTuple]
  | [kind: 'update', table: number, id: string, ...RecordTuple, version: number]
  | [kind: 'consume', table: number, id: string]
  | [kind: 'delete', table: number, id: string, version: number | null]
  | [kind: 'deleteWhere', table: number, index: number, value: string];

/** The sealed bytes lie in the message's one buffer, so that one transfer carries all. */
export type RecordTuple = [
  offset: number,
  length: number,
  expiresAt: number | null,
  indexValues: (string | null)[],
];

/** The writes of one caller, and its time in milliseconds. */
export type CommitTuple = [now: number, writes: WriteTuple[]];

export type WriterRequest =
  | { readonly commits: CommitTuple[]; readonly sealed: Uint8Array<ArrayBuffer> }
  | 'close';

/** One outcome per commit, in the order sent: -1 for done, or the position of the lost write. */
export type WriterAnswer =
  | { readonly outcomes: readonly number[] }
  /** The whole transaction failed: every commit in it, and nothing is written. */
  | { readonly failure: string; readonly commits: number };

export interface WriterData {
  readonly path: string;
  readonly collections: readonly { readonly name: string; readonly indexes: readonly string[] }[];
}
