import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Connection } from './connection.js';
import type { PresentCustomer } from './institution.js';
import { type JobKind, schedule } from './job.js';
import { insert, type Write } from './storage.js';
import { type Sync, syncs } from './sync.js';

const dataSchema = z.object({
  connectionId: z.string(),
  syncId: z.uuid(),
  customer: z
    .object({ ipAddress: z.string(), lastLoggedIn: z.coerce.date<Date>().optional() })
    .optional(),
});

const syncConnection: JobKind<z.infer<typeof dataSchema>> = {
  name: 'sync-connection',
  data: dataSchema,
};

interface SyncOrder extends Pick<Sync, 'action' | 'method'> {
  readonly customer?: PresentCustomer | undefined;
}

/** How long the record of a sync is kept (milliseconds). */
const kept = 90 * 86_400_000;

/**
 * Orders a fetch of a connection's data. The writes belong into the commit that calls for it; the
 * fetch begins when they are durable. @returns the id by which a client can follow it.
 */
export function orderSync(
  { id: connectionId, clientId, userId }: Connection,
  { action, method, customer }: SyncOrder,
  at: Date,
): { readonly syncId: string; readonly writes: readonly Write[] } {
  const syncId = randomUUID();
  const createdAt = at.toISOString();
  const sync = { clientId, userId, connectionId, action, method, createdAt, accountIds: [] };
  return {
    syncId,
    writes: [
      insert(syncs, syncId, { id: syncId, ...sync }, new Date(at.getTime() + kept)),
      schedule(syncConnection, syncId, at, { connectionId, syncId, customer }),
    ],
  };
}
