import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Connection } from './connection.js';
import type { PresentCustomer } from './institution.js';
import { type JobKind, readJob, schedule } from './job.js';
import { orderedUuid } from './ordered-uuid.js';
import { insert, type Storage, type Write } from './storage.js';
import { findLatestSync, isUnderWay, type Sync, syncs } from './sync.js';

const dataSchema = z.object({
  connectionId: z.string(),
  syncId: z.uuid(),
  customer: z
    .object({ ipAddress: z.string(), lastLoggedIn: z.coerce.date<Date>().optional() })
    .optional(),
  /** The schedule ordered it, and nobody waits. */
  automatic: z.literal(true).optional(),
  /** What an `ADD` still has to fetch, once its first part is in. */
  rest: z.enum(['earlier', 'whole']).optional(),
});

/** What a sync is told as a job. */
export type SyncOrder = z.infer<typeof dataSchema>;

/** Fetches one connection, see `core/synchronise.ts`. The key is the sync's id. */
export const syncConnection: JobKind<SyncOrder> = { name: 'sync-connection', data: dataSchema };

interface SyncWish extends Pick<Sync, 'action' | 'method'> {
  readonly customer?: PresentCustomer | undefined;
}

const day = 86_400_000;
/** How long the record of a sync is kept (milliseconds). */
const kept = 90 * day;
/** Somebody waits for it: it comes before all that fell due by the clock in the last day. */
const ahead = day;

/**
 * Orders a fetch of a connection's data. The writes belong into the commit that calls for it; the
 * fetch begins when they are durable, or when the one under way has ended.
 * @returns the id by which a client can follow it; that of an `ADD` is {@link firstSyncId}.
 */
export function orderSync(
  connection: Connection,
  { action, method, customer }: SyncWish,
  at: Date,
): { readonly syncId: string; readonly writes: readonly Write[] } {
  const { id: connectionId, clientId, userId } = connection;
  const syncId = method === 'ADD' ? firstSyncId(connection) : orderedUuid(at, randomBytes(10));
  const createdAt = at.toISOString();
  const sync = { clientId, userId, connectionId, action, method, createdAt, accountIds: [] };
  const isAutomatic = action === 'auto-update';
  const due = isAutomatic ? at : new Date(at.getTime() - ahead);
  const order = {
    connectionId,
    syncId,
    customer,
    ...(isAutomatic && { automatic: true as const }),
  };
  return {
    syncId,
    writes: [
      insert(syncs, syncId, { id: syncId, ...sync }, new Date(at.getTime() + kept)),
      schedule(syncConnection, syncId, due, order),
    ],
  };
}

/**
 * The sync of a connection that is yet to end, if there is one.
 * @returns it with the writes that whoever relies on it commits: its job, where a crash between the
 * writes of its order lost that.
 */
export async function findSyncUnderWay(
  storage: Pick<Storage, 'find' | 'get'>,
  connectionId: string,
  at: Date,
): Promise<{ readonly sync: Sync; readonly writes: readonly Write[] } | undefined> {
  const sync = await findLatestSync(storage, connectionId);
  if (!sync || !isUnderWay(sync)) return undefined;
  if (await readJob(storage, syncConnection, sync.id)) return { sync, writes: [] };
  const order = { connectionId, syncId: sync.id };
  return { sync, writes: [schedule(syncConnection, sync.id, at, order)] };
}

/** The id of a connection's `ADD`: known before it is ordered, so that an ID token can name it. */
export function firstSyncId({ id, connectedOn }: Connection): string {
  return orderedUuid(new Date(connectedOn), createHash('sha256').update(`sync ${id}`).digest());
}
