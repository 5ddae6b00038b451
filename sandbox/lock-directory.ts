import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A directory that this process has for itself. */
export interface DirectoryLock {
  release(): void;
}

const busy = 5;

/**
 * Keeps a directory for this process until it is released or the process ends, however it ends: the
 * lock is the operating system's, taken through SQLite because Node offers none, and so none is left
 * behind by a process that was killed.
 * @throws Error one sentence that names the process which has it.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(directory, 'lock.db'), { timeout: 0 });
  try {
    database.exec('BEGIN IMMEDIATE');
    // Committed, so that others can read who has it; the next transaction stays open and is the lock.
    database.exec(`PRAGMA user_version = ${process.pid}; COMMIT; BEGIN IMMEDIATE`);
  } catch (error) {
    if (!isBusy(error)) throw error;
    const holder = database.prepare('PRAGMA user_version').get()?.user_version;
    database.close();
    const message = `${directory} is in use by another sandbox (process ${holder}): stop it, or keep the data of this one elsewhere with npm start -- --data DIRECTORY`;
    throw new Error(message, { cause: error });
  }
  return { release: () => database.close() };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === busy;
}
