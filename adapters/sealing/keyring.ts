import { randomBytes } from 'node:crypto';
import type { Engine, EngineCollection } from '../engine.js';
import type { KeyWrapper } from './key-wrapper.js';
import { loadKeyWrapper, type MasterKey } from './master-key.js';

/** The data keys, wrapped, one record per key under its number. */
export const dataKeys: EngineCollection = { name: 'data_key', indexes: [] };

/** A data key and the number by which sealed records name it. */
export interface DataKey {
  readonly number: number;
  readonly key: Buffer;
}

/**
 * The data keys of one store. Keys are numbered from 1 without a gap and inserted once, so that
 * processes that start or rotate at the same time end with the same ring. The newest seals, all
 * open.
 */
export interface Keyring {
  newest(): DataKey;
  /** Undefined for a number this process has not seen; {@link Keyring.reload} may then find it. */
  get(number: number): DataKey | undefined;
  /** Reads the keys that other processes have added. */
  reload(): Promise<void>;
  /** Adds a data key, which seals from now on. Records sealed before stay readable. */
  rotate(): Promise<void>;
}

interface KeyringDeps {
  readonly engine: Engine;
  readonly masterKey: MasterKey;
  readonly now: () => number;
}

const keyBytes = 32;

/**
 * Opens the ring, making the first key in a store that has none.
 * @throws Error with one sentence where the master key is not this store's; it never makes a new
 * data key then, which would hide the loss of every record.
 */
export async function openKeyring({ engine, masterKey, now }: KeyringDeps): Promise<Keyring> {
  const isNew = (await engine.get(dataKeys.name, '1', now())) === undefined;
  const wrapper = await loadKeyWrapper(masterKey, isNew);
  const keys: DataKey[] = [];

  async function reload(): Promise<void> {
    for (let number = keys.length + 1; ; number = keys.length + 1) {
      const record = await engine.get(dataKeys.name, String(number), now());
      if (!record) return;
      const key = await unwrap(wrapper, Buffer.from(record.sealed));
      // Two reloads may run at once; the key is the same.
      keys[number - 1] = { number, key };
    }
  }

  async function rotate(): Promise<void> {
    await reload();
    const sealed = await wrapper.wrap(randomBytes(keyBytes));
    const id = String(keys.length + 1);
    const write = { kind: 'insert', collection: dataKeys.name, id, sealed } as const;
    // A conflict means that another process added this number first: its key is read and used.
    await engine.commit([{ ...write, expiresAt: undefined, indexValues: [] }], now());
    await reload();
  }

  await (isNew ? rotate() : reload());
  return {
    newest() {
      const newest = keys.at(-1);
      if (!newest) throw new Error('The keyring is empty');
      return newest;
    },
    get: (number) => keys[number - 1],
    reload,
    rotate,
  };
}

async function unwrap(wrapper: KeyWrapper, wrapped: Buffer): Promise<Buffer> {
  try {
    return await wrapper.unwrap(wrapped);
  } catch (cause) {
    throw new Error('The master key given is not the one this database was sealed with', { cause });
  }
}
