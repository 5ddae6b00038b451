import { connections } from './connection.js';
import { consents } from './consent.js';
import { type Storage, update, type Write } from './storage.js';

/** Fetches a connection's data. Implemented in `core/synchronise.ts`. */
export interface FirstFetch {
  /** The first fetch, bounded in time; a bank's fault is recorded in the connection, not thrown. */
  first(connectionId: string): Promise<void>;
  /** The rest of the consented window, in the background. */
  backfill(connectionId: string): Promise<void>;
}

/** What redeeming a code completes besides giving tokens. */
export interface Redemption {
  /** Belongs to the same commit as the code's consumption. */
  readonly writes: readonly Write[];
  /** Runs when that commit is durable and before the client has its answer. Does not throw. */
  readonly completed?: () => Promise<void>;
}

/**
 * Completes a connection when its client redeems the code: until then it was pending, and would have
 * been given up.
 */
export function createConnectionRedemption(storage: Storage, synchroniser: FirstFetch) {
  return async function redeemConnection(grantId: string): Promise<Redemption> {
    const consent = await storage.get(consents, grantId);
    if (!consent) return { writes: [] };
    const connection = await storage.get(connections, consent.value.connectionId);
    if (connection?.value.status !== 'pending') return { writes: [] };
    const { pendingUntil: _over, ...rest } = connection.value;
    return {
      writes: [update(connections, connection, { ...rest, status: 'ok', unfinished: true })],
      async completed() {
        await synchroniser.first(connection.id);
        // The client has its answer meanwhile; faults are recorded in the connection.
        void synchroniser.backfill(connection.id);
      },
    };
  };
}
