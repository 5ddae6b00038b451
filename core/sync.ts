import type { Collection, Storage } from './storage.js';

/**
 * One fetch of a connection's data (identity-service.md §1.6, `ConnectionSync`), written when it is
 * ordered, so that a client can follow it from then on.
 */
export interface Sync {
  /** A UUID that sorts by the time of the order. */
  readonly id: string;
  readonly clientId: string;
  readonly userId: string;
  readonly connectionId: string;
  /** `client-update`: somebody asked for it. `auto-update`: the schedule did. */
  readonly action: 'auto-update' | 'client-update';
  /** `ADD`: the first of a connection. */
  readonly method: 'ADD' | 'UPDATE';
  /** Absent while it is under way. */
  readonly fetchStatus?:
    | 'success'
    | 'error'
    | 'partial'
    | 'mfa-required'
    | 'credentials-error'
    | undefined;
  /** ISO 8601 */
  readonly createdAt: string;
  /** ISO 8601: when the accounts and the last 90 days of an `ADD` were in; the rest follows. */
  readonly firstPartAt?: string | undefined;
  /** ISO 8601: when it ended. */
  readonly fetchedAt?: string | undefined;
  readonly accountIds: readonly string[];
}

/** Syncs by id, by connection and by user; the newest last. They are kept for 90 days. */
export const syncs: Collection<Sync> = {
  name: 'sync',
  indexes: ['connection', 'user'],
  indexValues: ({ connectionId, userId }) => ({ connection: connectionId, user: userId }),
};

/** Whether a sync is yet to end; one that is no longer kept has. */
export function isUnderWay(sync: Sync | undefined): boolean {
  return sync !== undefined && sync.fetchStatus === undefined;
}

/** The sync of a connection that was ordered last. */
export async function findLatestSync(
  storage: Pick<Storage, 'find'>,
  connectionId: string,
): Promise<Sync | undefined> {
  const query = { index: 'connection', equals: connectionId, limit: 1 };
  const { records } = await storage.find(syncs, { ...query, order: 'descending' });
  return records[0]?.value;
}
