import { z } from 'zod';
import type { ConsentedConnection } from '../../core/data-policy.js';
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
    extendedStatus: z.enum(['expired']).optional(),
    userConsentedAt: timestamp.optional(),
    tppConsent: z.boolean(),
  })
  .meta({ id: 'UserConnection' });

/**
 * @param now milliseconds since the epoch.
 * @returns the connection in the form of {@link connectionSchema}.
 */
export function describeConnection({ connection, consent }: ConsentedConnection, now: number) {
  const { id, institutionName, kind, connectedOn, lastUpdated, accountIds } = connection;
  const expired = Date.parse(consent.expiresAt) <= now;
  const error = connection.error ?? (expired ? 'sync_error' : null);
  const consented = consent.history.find(({ status }) => status === 'authorised');
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
    ...(expired && { extendedStatus: 'expired' }),
    ...(consented && { userConsentedAt: consented.at }),
    tppConsent: consent.tppConsent,
  } satisfies z.input<typeof connectionSchema>;
}
