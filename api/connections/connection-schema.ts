import { z } from 'zod';
import type { Connection } from '../../core/connection.js';
import type { ConsentedConnection } from '../../core/data-policy.js';
import { hasStoppedSyncing, isLost, isStale } from '../../core/sync-health.js';
import { timestamp } from '../envelope.js';

/** A connection as the published client knows it (identity-service.md §1.6). */
export const connectionSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.enum(['api', 'legacy', 'test']),
    connectedOn: timestamp,
    lastUpdated: timestamp.optional(),
    expiresAt: timestamp,
    accountIds: z.array(z.uuid()),
    status: z.enum(['ok', 'error']),
    error: z
      .enum(['resync', 'sync_error', 'sync_partial', 'mfa_required', 'credentials_error'])
      .nullable(),
    extendedStatus: z.enum(['expired', 'stoppedSyncing']).optional(),
    userConsentedAt: timestamp.optional(),
    tppConsent: z.boolean(),
    singleSyncOnly: z.boolean(),
    useMfa: z.boolean(),
  })
  .meta({ id: 'UserConnection' });

/**
 * @param now milliseconds since the epoch.
 * @returns the connection in the form of {@link connectionSchema}.
 */
export function describeConnection({ connection, consent }: ConsentedConnection, now: number) {
  const { id, institutionName, kind, connectedOn, lastUpdated, accountIds } = connection;
  const expired = Date.parse(consent.expiresAt) <= now;
  const error = errorOf(connection, expired, now);
  const extendedStatus = extendedStatusOf(connection, expired, now);
  const consented = consent.history.findLast(({ status }) => status === 'authorised');
  return {
    id,
    name: institutionName,
    type: kind,
    connectedOn,
    ...(lastUpdated !== undefined && { lastUpdated }),
    expiresAt: consent.expiresAt,
    accountIds: [...accountIds],
    status: error === null ? 'ok' : 'error',
    error,
    ...(extendedStatus && { extendedStatus }),
    ...(consented && { userConsentedAt: consented.at }),
    tppConsent: consent.tppConsent,
    singleSyncOnly: consent.access === 'one-time',
    useMfa: kind === 'legacy',
  } satisfies z.input<typeof connectionSchema>;
}

/** What needs the person comes first, then what needs a renewal, then what a sync may mend. */
function errorOf(connection: Connection, expired: boolean, now: number) {
  const { error = null } = connection;
  if (isLost(connection)) return error;
  if (expired) return 'sync_error';
  return isStale(connection, now) ? 'resync' : error;
}

function extendedStatusOf(connection: Connection, expired: boolean, now: number) {
  if (expired) return 'expired';
  return hasStoppedSyncing(connection, now) ? 'stoppedSyncing' : undefined;
}
