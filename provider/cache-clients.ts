import type { Client, Provider } from 'oidc-provider';
import type { Clock } from '../core/clock.js';
import { interceptClients } from './internals.js';

interface Entry {
  readonly client: Promise<Client | undefined>;
  readonly loadedAt: number;
}

/** A change made by another process is seen after at most this long. */
const freshForMilliseconds = 1000;
/** Parsed clients kept, the least recently loaded dropped first: memory is bounded, not the clients. */
const capacity = 1000;

/**
 * Keeps parsed clients for a second. The library parses a client's metadata and keys anew unless it
 * is among the last hundred, and reads its record on every request (oidc-provider.md §2.5).
 */
export function cacheClients(provider: Provider, clock: Clock): void {
  const entries = new Map<string, Entry>();

  interceptClients(provider, (id, load) => {
    const cached = entries.get(id);
    const now = clock.now();
    if (cached && Math.abs(now - cached.loadedAt) < freshForMilliseconds) return cached.client;
    const client = load();
    entries.delete(id);
    entries.set(id, { client, loadedAt: now });
    // Neither a failure nor an unknown id is worth keeping.
    const forget = () => entries.get(id)?.client === client && entries.delete(id);
    client.then((found) => found || forget(), forget);
    for (const oldest of entries.keys()) {
      if (entries.size <= capacity) break;
      entries.delete(oldest);
    }
    return client;
  });
}
