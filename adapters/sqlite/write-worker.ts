/**
 * The thread that owns the write connection. It takes everything that waits, commits it in one
 * transaction and answers for all: while it waits for the disk, the next batch gathers (group
 * commit). Self-contained on purpose, only `node:` modules and types, so that Node runs this file
 * as TypeScript and as JavaScript alike.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type {
  CommitTuple,
  RecordTuple,
  WriterAnswer,
  WriterData,
  WriterRequest,
  WriteTuple,
} from './write-message.js';

/** How long to go on asking for the write lock while other processes hold it. */
const lockWaitMilliseconds = 30_000;
/** Expired rows are removed this many at a time, two for each row written. */
const sweepRows = 64;
/** How many first versions there are to choose from; a record can be written for ever after. */
const firstVersions = 2 ** 40;

interface Table {
  readonly insert: StatementSync;
  readonly put: StatementSync;
  readonly update: StatementSync;
  readonly consume: StatementSync;
  readonly remove: StatementSync;
  readonly removeVersion: StatementSync;
  readonly exists: StatementSync;
  readonly removeWhere: StatementSync[];
  readonly sweep: StatementSync;
  sweepDue: number;
}

const port = parentPort;
if (!port) throw new Error('The SQLite writer runs as a worker thread');
const { path, collections }: WriterData = workerData;
const sleeper = new Int32Array(new SharedArrayBuffer(4));
const database = new DatabaseSync(path, { timeout: 0 });
// FULL: in WAL mode only this syncs the log at each commit, before the commit is acknowledged.
waitForLock(() => database.exec('PRAGMA journal_mode = WAL'));
database.exec('PRAGMA synchronous = FULL; PRAGMA cache_size = -8000');
database.exec('PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864');
waitForLock(() => database.exec('BEGIN IMMEDIATE'));
for (const collection of collections) createTable(collection);
database.exec('COMMIT');

const begin = database.prepare('BEGIN IMMEDIATE');
const commit = database.prepare('COMMIT');
const savepoint = database.prepare('SAVEPOINT caller');
const release = database.prepare('RELEASE caller');
const rollbackCaller = database.prepare('ROLLBACK TO caller');
const tables = collections.map(prepareTable);

port.on('message', (first: WriterRequest) => {
  const requests = [first];
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
    requests.push(next.message);
  }
  const batch = requests.filter((request) => request !== 'close');
  if (batch.length > 0) port.postMessage(commitBatch(batch));
  if (requests.includes('close')) {
    database.close();
    port.close();
  }
});
port.postMessage({ outcomes: [] } satisfies WriterAnswer);

function commitBatch(batch: readonly Exclude<WriterRequest, 'close'>[]): WriterAnswer {
  try {
    waitForLock(() => begin.run());
    const outcomes: number[] = [];
    for (const { commits, sealed } of batch) {
      for (const one of commits) outcomes.push(applyCommit(one, sealed));
    }
    commit.run();
    return { outcomes };
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    const commits = batch.reduce((sum, request) => sum + request.commits.length, 0);
    return { failure: error instanceof Error ? error.message : String(error), commits };
  }
}

/** A lost condition takes back this caller's writes and nobody else's. */
function applyCommit([now, writes]: CommitTuple, sealed: Uint8Array): number {
  const [only] = writes;
  if (only && writes.length === 1) return applyWrite(only, sealed, now) ? -1 : 0;
  savepoint.run();
  const lost = writes.findIndex((write) => !applyWrite(write, sealed, now));
  if (lost >= 0) rollbackCaller.run();
  release.run();
  return lost;
}

/** @returns whether the write's condition held. */
function applyWrite(write: WriteTuple, sealed: Uint8Array, now: number): boolean {
  const table = tables[write[1]];
  if (!table) throw new Error('A write names no table');
  switch (write[0]) {
    case 'insert':
    case 'put': {
      const [kind, , id, offset, length, expiresAt, indexValues] = write;
      const record: RecordTuple = [offset, length, expiresAt, indexValues];
      const columns = [id, ...toColumns(record, sealed)] as const;
      sweepWhenDue(table, now);
      const { changes } =
        kind === 'put' ? table.put.run(...columns) : table.insert.run(...columns, now);
      return changes === 1;
    }
    case 'update': {
      const [, , id, offset, length, expiresAt, indexValues, version] = write;
      const record: RecordTuple = [offset, length, expiresAt, indexValues];
      return table.update.run(...toColumns(record, sealed), id, version, now).changes === 1;
    }
    case 'consume':
      return table.consume.run(now, write[2], now).changes === 1;
    case 'delete': {
      const [, , id, version] = write;
      if (version === null) table.remove.run(id);
      else if (table.removeVersion.run(id, version).changes === 0) {
        return table.exists.get(id, now) === undefined;
      }
      return true;
    }
    case 'deleteWhere':
      table.removeWhere[write[2]]?.run(write[3]);
      return true;
  }
}

function toColumns([offset, length, expiresAt, indexValues]: RecordTuple, sealed: Uint8Array) {
  return [sealed.subarray(offset, offset + length), expiresAt, ...indexValues] as const;
}

/** What expires is removed as fast as it is made, in small steps, and an idle database is left be. */
function sweepWhenDue(table: Table, now: number): void {
  table.sweepDue += 2;
  if (table.sweepDue < sweepRows) return;
  table.sweepDue = 0;
  table.sweep.run(now, sweepRows);
}

/**
 * Asks again after a short and random time. SQLite's own waiting backs off to a tenth of a second,
 * which lets a busy process hold up an equally busy one.
 */
function waitForLock(lock: () => unknown): void {
  const giveUpAt = Date.now() + lockWaitMilliseconds;
  for (;;) {
    try {
      lock();
      return;
    } catch (error) {
      const isBusy = error instanceof Error && /database is (locked|busy)/.test(error.message);
      if (!isBusy || Date.now() > giveUpAt) throw error;
      Atomics.wait(sleeper, 0, 0, Math.random());
    }
  }
}

/** A table per collection: the payload is appended, and small indexes point to it. */
function createTable({ name, indexes }: WriterData['collections'][number]): void {
  const columns = indexes.map((index) => `, "index_${index}" TEXT`).join('');
  database.exec(`CREATE TABLE IF NOT EXISTS "${name}" (
    id TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL, version INTEGER NOT NULL,
    consumed_at INTEGER, expires_at INTEGER${columns})`);
  database.exec(`CREATE INDEX IF NOT EXISTS "${name}_expires_at" ON "${name}" (expires_at)
    WHERE expires_at IS NOT NULL`);
  const existing = database.prepare('SELECT name FROM pragma_table_info(?)').all(name);
  for (const index of indexes) {
    if (!existing.some((column) => column.name === `index_${index}`)) {
      throw new Error(
        `${path} was made by an older version: its table ${name} has no index ${index}`,
      );
    }
    database.exec(`CREATE INDEX IF NOT EXISTS "${name}_index_${index}"
      ON "${name}" ("index_${index}", id) WHERE "index_${index}" IS NOT NULL`);
  }
}

function prepareTable({ name, indexes }: WriterData['collections'][number]): Table {
  const columns = ['sealed', 'expires_at', ...indexes.map((index) => `"index_${index}"`)];
  const live = '(expires_at IS NULL OR expires_at > ?)';
  const replace = columns.map((column) => `${column} = excluded.${column}`).join(', ');
  // A record that is made again begins where no version of the one before it was, see `Stored`.
  const first = `abs(random() % ${firstVersions}) + 1`;
  const upsert = `INSERT INTO "${name}" (version, id, ${columns.join(', ')})
    VALUES (${first}, ?${', ?'.repeat(columns.length)})
    ON CONFLICT (id) DO UPDATE SET version = version + 1, consumed_at = NULL, ${replace}`;
  return {
    put: database.prepare(upsert),
    // What has expired may still be there, and is as good as gone.
    insert: database.prepare(`${upsert} WHERE "${name}".expires_at <= ?`),
    update: database.prepare(`UPDATE "${name}" SET version = version + 1,
      ${columns.map((column) => `${column} = ?`).join(', ')}
      WHERE id = ? AND version = ? AND ${live}`),
    consume: database.prepare(`UPDATE "${name}" SET version = version + 1, consumed_at = ?
      WHERE id = ? AND consumed_at IS NULL AND ${live}`),
    remove: database.prepare(`DELETE FROM "${name}" WHERE id = ?`),
    removeVersion: database.prepare(`DELETE FROM "${name}" WHERE id = ? AND version = ?`),
    exists: database.prepare(`SELECT 1 FROM "${name}" WHERE id = ? AND ${live}`),
    removeWhere: indexes.map((index) =>
      database.prepare(`DELETE FROM "${name}" WHERE "index_${index}" = ?`),
    ),
    sweep: database.prepare(`DELETE FROM "${name}" WHERE rowid IN
      (SELECT rowid FROM "${name}" WHERE expires_at <= ? LIMIT ?)`),
    sweepDue: 0,
  };
}
