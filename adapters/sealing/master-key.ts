import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createLocalKeyWrapper, type KeyWrapper } from './key-wrapper.js';

/**
 * Where the key that wraps the data keys is: a file with 32 bytes in base64, made on the first
 * start; the same text handed over by the caller; or a service that wraps without showing it.
 */
export type MasterKey =
  | { readonly file: string }
  | { readonly value: string }
  | { readonly wrapper: KeyWrapper };

const masterKeyBytes = 32;

/**
 * Finds the key wrapper for a master key.
 * @param mayCreate whether a missing file may be made: only for a store that holds no key yet.
 * @throws Error with one sentence for the operator, never with the key in it.
 */
export async function loadKeyWrapper(
  masterKey: MasterKey,
  mayCreate: boolean,
): Promise<KeyWrapper> {
  if ('wrapper' in masterKey) return masterKey.wrapper;
  if ('value' in masterKey) {
    return createLocalKeyWrapper(parseMasterKey(masterKey.value, 'The master key'));
  }
  const { file } = masterKey;
  if (mayCreate) await createKeyFile(file);
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'is missing' : `cannot be read (${cause.code})`;
    throw new Error(`The master key file ${file} ${reason}; this database cannot be opened`, {
      cause,
    });
  });
  return createLocalKeyWrapper(parseMasterKey(text.trim(), `The master key in ${file}`));
}

function parseMasterKey(text: string, subject: string): Buffer {
  const key = Buffer.from(text, 'base64');
  if (key.length !== masterKeyBytes || key.toString('base64') !== text) {
    throw new Error(`${subject} must be ${masterKeyBytes} bytes in base64`);
  }
  return key;
}

/** Makes the file, whole and on disk, unless it is there; of several processes one wins. */
async function createKeyFile(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(masterKeyBytes).toString('base64')}\n`);
    await handle.sync();
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await syncDirectory(dirname(file));
  } finally {
    await handle.close();
    await rm(draft, { force: true });
  }
}

/** A new name is durable only once its directory is: a lost master key loses everything. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
