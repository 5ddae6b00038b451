import { AsyncLocalStorage } from 'node:async_hooks';
import type { Client, Provider } from 'oidc-provider';
import { etagOf } from '../core/client-view.js';
import { findActiveClient } from '../core/clients.js';
import type { Clock } from '../core/clock.js';
import type { Storage } from '../core/storage.js';
import { interceptClients } from './internals.js';

interface Entry {
  readonly client: Promise<Client | undefined>;
  /** Of the stored record that it was made of; versions begin anew with another client of the same id. */
  readonly etag: string;
  readonly checkedAt: number;
}

/** A change made by another process is seen after at most this long. */
const freshForMilliseconds = 1000;
/** Parsed clients kept, the least recently checked dropped first: memory is bounded, not the clients. */
const capacity = 10_000;

const storedClient = new AsyncLocalStorage<true>();

/** Whether a client is read as it was stored, whose metadata was checked when it was saved. */
export function isReadingStoredClient(): boolean {
  return storedClient.getStore() === true;
}

/**
 * Keeps parsed clients: for a second without asking, and then for as long as the stored record is of
 * the same version. The library reads a client's record on every request, and parses its metadata and
 * keys anew unless it is among the last hundred. A client that is disabled is
 * none: every endpoint refuses it, and what people were sent for ends.
 */
export function cacheClients(provider: Provider, storage: Storage, clock: Clock): void {
  const entries = new Map<string, Entry>();

  function keep(id: string, entry: Entry): void {
    entries.delete(id);
    entries.set(id, entry);
    for (const oldest of entries.keys()) {
      if (entries.size <= capacity) break;
      entries.delete(oldest);
    }
    // A client that breaks the rules is looked at again, in case the rules have changed.
    entry.client.catch(() => entries.get(id) === entry && entries.delete(id));
  }

  interceptClients(provider, async (id, load) => {
    const cached = entries.get(id);
    const checkedAt = clock.now();
    if (cached && Math.abs(checkedAt - cached.checkedAt) < freshForMilliseconds) {
      return cached.client;
    }
    const stored = await findActiveClient(storage, id);
    if (!stored) {
      entries.delete(id);
      return undefined;
    }
    const etag = etagOf(stored);
    const client = cached?.etag === etag ? cached.client : storedClient.run(true, load);
    keep(id, { client, etag, checkedAt });
    return client;
  });
}
