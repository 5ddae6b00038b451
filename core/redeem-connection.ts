import type { Clock } from './clock.js';
import { connections } from './connection.js';
import { consents } from './consent.js';
import { watchConsent } from './consent-clock.js';
import { report } from './event.js';
import { keepPending } from './give-up-pending.js';
import { orderSync } from './order-sync.js';
import { type Storage, update, type Write } from './storage.js';
import type { SyncWatch } from './sync-watch.js';
import { validityOf } from './validity.js';

/** What redeeming a code completes besides giving tokens. */
export interface Redemption {
  /** Belongs to the same commit as the code's consumption. */
  readonly writes: readonly Write[];
  /** Runs when that commit is durable and before the client has its answer. Does not throw. */
  readonly completed?: () => Promise<void>;
}

interface RedemptionDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly watch: Pick<SyncWatch, 'until'>;
}

/** The client waits for its tokens meanwhile: well under the 60 s of the published client. */
const patienceSeconds = 20;

/**
 * Completes a connection when its client redeems the code: until then it was pending, and would have
 * been given up. The first data is waited for, unless the client asked not to (`mh:sync`).
 */
export function createConnectionRedemption({ storage, clock, watch }: RedemptionDeps) {
  return async function redeemConnection(
    grantId: string,
    { isAsync }: { readonly isAsync: boolean },
  ): Promise<Redemption> {
    const consent = await storage.get(consents, grantId);
    if (!consent) return { writes: [] };
    const stored = await storage.get(connections, consent.value.connectionId);
    if (stored?.value.status !== 'pending') return { writes: [] };
    const { pendingUntil: _over, ...rest } = stored.value;
    const connection = { ...rest, status: 'ok' } as const;
    const at = new Date(clock.now());
    const order = orderSync(connection, { action: 'client-update', method: 'ADD' }, at);
    const { id: connectionId, institutionName: bankName } = connection;
    const validity = validityOf(connection, consent.value, clock.now());
    return {
      writes: [
        update(connections, stored, connection),
        keepPending(connectionId),
        watchConsent(consent.value, connection),
        ...order.writes,
        report('connectionAdded', connection, { connectionId, bankName, validity }, at),
      ],
      async completed() {
        if (isAsync) return;
        // The tokens are given already: a fault of the store here must not take them back.
        await watch.until(order.syncId, 'first-part', patienceSeconds).catch(() => undefined);
      },
    };
  };
}
