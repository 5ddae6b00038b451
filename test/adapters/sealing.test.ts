import { hash, randomBytes } from 'node:crypto';
import { access, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openStorage, type StorageOptions } from '../../adapters/open-storage.js';
import { createLocalKeyWrapper } from '../../adapters/sealing/key-wrapper.js';
import { systemClock } from '../../core/clock.js';
import { insert, put, StorageConflict } from '../../core/storage.js';
import { notes, testCollections, tickets } from './support/test-collections.js';
import { removeTestDirectories, sqliteKind, type TestDatabase } from './support/test-database.js';

afterAll(removeTestDirectories);

function open(database: TestDatabase, masterKey?: StorageOptions['masterKey']) {
  return openStorage({
    ...database,
    ...(masterKey && { masterKey }),
    collections: testCollections,
    clock: systemClock,
  });
}

const pathOf = ({ url }: TestDatabase) => url.slice('sqlite:'.length);

/** Everything the database has on disk, its log included. */
async function readDatabase(database: TestDatabase): Promise<Buffer> {
  const path = pathOf(database);
  const names = await readdir(dirname(path));
  const own = names.filter((name) => path.endsWith(name.replace(/-(wal|shm)$/, '')));
  return Buffer.concat(await Promise.all(own.map((name) => readFile(`${dirname(path)}/${name}`))));
}

function tamper(database: TestDatabase, sql: string): void {
  const raw = new DatabaseSync(pathOf(database));
  raw.exec(sql);
  raw.close();
}

describe('what is on disk', () => {
  test('shows neither the id of a secret nor anything of a value', async () => {
    const database = await sqliteKind.create();
    const storage = await open(database);
    const secret = randomBytes(24).toString('base64url');
    await storage.commit([
      insert(tickets, secret, { text: 'Ada Lovelace', group: 'visible-group' }),
      insert(notes, 'visible-id', { text: 'GB29NWBK60161331926819' }),
    ]);
    for (const when of ['open', 'closed']) {
      const bytes = await readDatabase(database);
      expect([when, bytes.includes('visible-id')]).toEqual([when, true]);
      expect(bytes.includes('visible-group')).toBe(true);
      expect(bytes.includes(secret)).toBe(false);
      expect(bytes.includes('Lovelace')).toBe(false);
      expect(bytes.includes('60161331926819')).toBe(false);
      if (when === 'open') await storage.close();
    }
  });

  test('does not tell whether it holds a name that somebody guesses (SEC-67)', async () => {
    const [database, other] = [await sqliteKind.create(), await sqliteKind.create()];
    const name = 'ada@example.com';
    const write = insert(tickets, name, { text: 'hers' });
    const before = await open(database);
    await before.commit([write]);
    await before.rotateDataKey();
    await before.close();
    const storage = await open(database);
    expect((await storage.get(tickets, name))?.value.text).toBe('hers');
    await expect(storage.commit([write])).rejects.toThrow(StorageConflict);
    await storage.close();
    const elsewhere = await open(other);
    await elsewhere.commit([write]);
    await elsewhere.close();
    // Whoever knows the name, but not the key, does not know what it is kept under.
    const idIn = (opened: TestDatabase) => {
      const raw = new DatabaseSync(pathOf(opened));
      const id = raw.prepare('SELECT id FROM ticket').get()?.id;
      raw.close();
      return id;
    };
    expect(idIn(database)).toMatch(/^[\w-]{43}$/);
    expect(idIn(database)).not.toBe(hash('sha256', name, 'base64url'));
    expect(idIn(database)).not.toBe(idIn(other));
  });

  test('differs for the same value sealed twice', async () => {
    const database = await sqliteKind.create();
    const storage = await open(database);
    await storage.commit([put(notes, 'a', { text: 'same' }), put(notes, 'b', { text: 'same' })]);
    await storage.close();
    const raw = new DatabaseSync(pathOf(database));
    const nonces = raw.prepare('SELECT hex(substr(sealed, 1, 33)) AS head FROM note').all();
    raw.close();
    expect(new Set(nonces.map(({ head }) => head)).size).toBe(2);
  });

  test('does not open where it was moved to another record or altered', async () => {
    const database = await sqliteKind.create();
    const storage = await open(database);
    await storage.commit([
      put(notes, 'mine', { text: 'mine' }),
      put(notes, 'theirs', { text: 'theirs' }),
      put(notes, 'altered', { text: 'x' }),
      put(notes, 'cut', { text: 'x' }),
      put(notes, 'whole', { text: 'whole' }),
    ]);
    tamper(
      database,
      `UPDATE note SET sealed = (SELECT sealed FROM note WHERE id = 'theirs') WHERE id = 'mine';
       UPDATE note SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) || x'00' AS BLOB) WHERE id = 'altered';
       UPDATE note SET sealed = substr(sealed, 1, 20) WHERE id = 'cut';`,
    );
    await expect(storage.get(notes, 'mine')).rejects.toThrow('altered or moved');
    await expect(storage.get(notes, 'altered')).rejects.toThrow('altered or moved');
    await expect(storage.get(notes, 'cut')).rejects.toThrow('not in the sealed format');
    expect((await storage.get(notes, 'whole'))?.value.text).toBe('whole');
    await storage.close();
  });
});

describe('the master key', () => {
  test('is made on first start in a file only its owner reads, and opens the store again', async () => {
    const database = await sqliteKind.create();
    const first = await open(database);
    await first.commit([put(notes, 'a', { text: 'kept' })]);
    await first.close();
    expect((await stat(database.masterKey.file)).mode & 0o777).toBe(0o600);
    const text = (await readFile(database.masterKey.file, 'utf8')).trim();
    expect(Buffer.from(text, 'base64')).toHaveLength(32);
    const again = await open(database, { value: text });
    expect((await again.get(notes, 'a'))?.value.text).toBe('kept');
    await again.close();
  });

  test('that is another one does not open the store, and leaves it as it is', async () => {
    const database = await sqliteKind.create();
    const storage = await open(database);
    await storage.commit([put(notes, 'a', { text: 'kept' })]);
    await storage.close();
    const other = { value: randomBytes(32).toString('base64') };
    await expect(open(database, other)).rejects.toThrow(
      'The master key given is not the one this database was sealed with',
    );
    const again = await open(database);
    expect((await again.get(notes, 'a'))?.value.text).toBe('kept');
    await again.close();
  });

  test('that is missing is not replaced by a new one', async () => {
    const database = await sqliteKind.create();
    await (await open(database)).close();
    const file = `${database.masterKey.file}.lost`;
    await expect(open(database, { file })).rejects.toThrow('is missing');
    await expect(access(file)).rejects.toThrow('ENOENT');
  });

  test.each(['', 'short', Buffer.alloc(16).toString('base64'), `${'A'.repeat(43)}!`])(
    'must be 32 bytes in base64, not %j, and is not repeated in the error',
    async (value) => {
      const database = await sqliteKind.create();
      await expect(open(database, { value })).rejects.toThrow(/must be 32 bytes in base64$/);
      await writeFile(database.masterKey.file, value);
      await expect(open(database)).rejects.toThrow(/must be 32 bytes in base64$/);
    },
  );

  test('can stand behind a service that wraps keys', async () => {
    const database = await sqliteKind.create();
    const local = createLocalKeyWrapper(randomBytes(32));
    const calls: string[] = [];
    const wrapper = {
      wrap(key: Buffer) {
        calls.push('wrap');
        return local.wrap(key);
      },
      unwrap(wrapped: Buffer) {
        calls.push('unwrap');
        return local.unwrap(wrapped);
      },
    };
    const storage = await open(database, { wrapper });
    await storage.commit([put(notes, 'a', { text: 'kept' })]);
    expect((await storage.get(notes, 'a'))?.value.text).toBe('kept');
    await storage.close();
    expect(calls).toEqual(['wrap', 'unwrap']);
  });
});

describe('the keyring', () => {
  test('is the same for all who open an empty store at once', async () => {
    const database = await sqliteKind.create();
    const all = await Promise.all(Array.from({ length: 4 }, () => open(database)));
    for (const [n, storage] of all.entries()) {
      await storage.commit([put(notes, `by-${n}`, { text: `${n}` })]);
    }
    for (const storage of all) {
      const read = await Promise.all(all.map((_, n) => storage.get(notes, `by-${n}`)));
      expect(read.map((record) => record?.value.text)).toEqual(['0', '1', '2', '3']);
    }
    await Promise.all(all.map((storage) => storage.close()));
  });

  test('rotates while another process works, and keeps every record readable', async () => {
    const database = await sqliteKind.create();
    const [rotating, other] = [await open(database), await open(database)];
    await other.commit([put(notes, 'before', { text: 'before' })]);
    await rotating.rotateDataKey();
    await rotating.commit([put(notes, 'after', { text: 'after' })]);
    await other.commit([put(notes, 'meanwhile', { text: 'meanwhile' })]);
    expect((await other.get(notes, 'after'))?.value.text).toBe('after');
    await Promise.all([rotating.rotateDataKey(), other.rotateDataKey()]);
    await other.commit([put(notes, 'last', { text: 'last' })]);
    expect((await rotating.get(notes, 'last'))?.value.text).toBe('last');
    await Promise.all([rotating.close(), other.close()]);

    const again = await open(database);
    const ids = ['before', 'after', 'meanwhile', 'last'];
    const read = await Promise.all(ids.map((id) => again.get(notes, id)));
    expect(read.map((record) => record?.value.text)).toEqual(ids);
    await again.close();
    const raw = new DatabaseSync(pathOf(database));
    const keys = raw
      .prepare('SELECT hex(substr(sealed, 2, 4)) AS key FROM note ORDER BY rowid')
      .all();
    raw.close();
    // The number of the data key each was sealed with.
    expect(keys.map(({ key }) => Number.parseInt(String(key), 16)).slice(0, 3)).toEqual([1, 2, 1]);
    expect(Number.parseInt(String(keys[3]?.key), 16)).toBeGreaterThan(2);
  });
});

describe('opening', () => {
  test.each([
    ['postgres://localhost/x', 'must begin with sqlite: or mongodb://'],
    ['sqlite::memory:', 'needs the path of a file'],
    ['sqlite:', 'needs the path of a file'],
  ])('refuses %s with one clear sentence', async (url, message) => {
    const { masterKey } = await sqliteKind.create();
    await expect(open({ url, masterKey })).rejects.toThrow(message);
  });

  test('refuses a file that is no database', async () => {
    const database = await sqliteKind.create();
    await writeFile(pathOf(database), 'not a database '.repeat(400));
    await expect(open(database)).rejects.toThrow('file is not a database');
  });

  test('refuses two collections of one name, and names that SQL could misread', async () => {
    const database = await sqliteKind.create();
    const options = { ...database, clock: systemClock };
    const twice = openStorage({ ...options, collections: [notes, { ...notes }] });
    await expect(twice).rejects.toThrow('Two collections are named note');
    const quoted = openStorage({ ...options, collections: [{ ...notes, name: 'a"b' }] });
    await expect(quoted).rejects.toThrow('cannot name a collection');
  });
});
