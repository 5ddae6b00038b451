import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import type { Engine, EngineCollection, EngineQuery, EngineRecord } from '../engine.js';
import { openCommitQueue } from './commit-queue.js';

interface SqliteOptions {
  /** The database file; its directory is made when missing. */
  readonly path: string;
  readonly collections: readonly EngineCollection[];
}

const columns = 'id, sealed, version, consumed_at, expires_at';
const live = '(expires_at IS NULL OR expires_at > ?)';

/**
 * SQLite as an engine: reads run at once in this thread on a connection of their own, writes in the
 * writing thread, which commits what waits together. Several processes may open one file.
 * @throws Error where the file cannot be opened or is no database.
 */
export async function openSqlite({ path, collections }: SqliteOptions): Promise<Engine> {
  if (path === '' || path.startsWith(':')) {
    throw new Error('SQLite needs the path of a file, as in sqlite:./data/assent.db');
  }
  await mkdir(dirname(path), { recursive: true });
  const queue = await openCommitQueue({ path, collections });
  const database = await openReader(path).catch(async (error: unknown) => {
    await queue.close();
    throw error;
  });
  const statements = new Map<string, StatementSync>();

  function prepare(sql: string): StatementSync {
    let statement = statements.get(sql);
    if (!statement) {
      statement = database.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  }

  return {
    get(collection, id, now) {
      const sql = `SELECT ${columns} FROM "${collection}" WHERE id = ? AND ${live}`;
      const row = prepare(sql).get(id, now);
      return row && toRecord(row);
    },

    find(collection, query, now) {
      const { sql, values } = toSql(collection, query, now);
      return prepare(sql)
        .all(...values)
        .map((row) => ({ ...toRecord(row), indexValue: text(row.index_value) }));
    },

    count(collection, index, equals, now) {
      const sql = `SELECT count(*) AS count FROM "${collection}"
        WHERE "index_${index}" = ? AND ${live}`;
      return Number(prepare(sql).get(equals, now)?.count);
    },

    commit: queue.commit,

    async close() {
      await queue.close();
      if (database.isOpen) database.close();
    },
  };
}

function toSql(collection: string, query: EngineQuery, now: number) {
  const { index, equals, from, to, after, descending, limit } = query;
  const column = `"index_${index}"`;
  const conditions = [`${column} IS NOT NULL`, live];
  const values: (string | number)[] = [now];
  for (const [operator, value] of [
    ['=', equals],
    ['>=', from],
    ['<', to],
  ] as const) {
    if (value === undefined) continue;
    conditions.push(`${column} ${operator} ?`);
    values.push(value);
  }
  if (after) {
    conditions.push(`(${column}, id) ${descending ? '<' : '>'} (?, ?)`);
    values.push(...after);
  }
  const direction = descending ? 'DESC' : 'ASC';
  const sql = `SELECT ${columns}, ${column} AS index_value FROM "${collection}"
    WHERE ${conditions.join(' AND ')}
    ORDER BY ${column} ${direction}, id ${direction} LIMIT ?`;
  return { sql, values: [...values, limit] };
}

function toRecord(row: Record<string, SQLOutputValue>): EngineRecord {
  const { id, sealed, version, consumed_at: consumedAt, expires_at: expiresAt } = row;
  if (!(sealed instanceof Uint8Array)) throw new Error('A stored record has no payload');
  return {
    id: text(id),
    sealed,
    version: Number(version),
    consumedAt: consumedAt == null ? undefined : Number(consumedAt),
    expiresAt: expiresAt == null ? undefined : Number(expiresAt),
  };
}

function text(value: SQLOutputValue | undefined): string {
  if (typeof value !== 'string') throw new Error('A stored record has a column of another type');
  return value;
}

/** The connection for reading, which sees each commit as soon as it is durable. */
async function openReader(path: string): Promise<DatabaseSync> {
  return new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
}
