import type { Collection } from './storage.js';

/**
 * One fetch of a connection's data (identity-service.md §1.6, `ConnectionSync`), written when it is
 * ordered, so that a client can follow it from then on.
 */
export interface Sync {
  /** UUID */
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
