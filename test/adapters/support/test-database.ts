import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a test may have a database of its own. */
export interface TestDatabase {
  readonly url: string;
  /** A file beside it for the master key. */
  readonly masterKey: { readonly file: string };
}

/** A kind of database the contract is held against. */
export interface DatabaseKind {
  readonly name: 'SQLite' | 'MongoDB';
  /** Whether a commit is all or nothing, also among its conditional writes. */
  readonly transactional: boolean;
  create(): Promise<TestDatabase>;
}

const directories: string[] = [];

/** A directory that {@link removeTestDirectories} removes. */
export async function makeTestDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'assent-adapters-'));
  directories.push(directory);
  return directory;
}

export async function removeTestDirectories(): Promise<void> {
  const all = directories.splice(0);
  await Promise.all(all.map((directory) => rm(directory, { recursive: true, force: true })));
}

export const sqliteKind: DatabaseKind = {
  name: 'SQLite',
  transactional: true,
  async create() {
    const directory = await makeTestDirectory();
    return { url: `sqlite:${directory}/store.db`, masterKey: { file: `${directory}/master.key` } };
  },
};

/** @param server the URI of a running server; each test gets a database of its own on it. */
export function mongoKind(server: string): DatabaseKind {
  return {
    name: 'MongoDB',
    transactional: false,
    async create() {
      const url = new URL(server);
      url.pathname = `/assent_${randomBytes(6).toString('hex')}`;
      const directory = await makeTestDirectory();
      return { url: url.href, masterKey: { file: `${directory}/master.key` } };
    },
  };
}
