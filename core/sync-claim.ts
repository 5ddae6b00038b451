import { z } from 'zod';
import { connections } from './connection.js';
import { firstSyncId } from './order-sync.js';
import type { Storage } from './storage.js';
import { findLatestSync } from './sync.js';

/** How the claim `mh:sync` may be requested (identity-service.md §3.2). */
export const syncClaimSchema = z
  .object({ value: z.object({ enableAsync: z.boolean().default(false) }).optional() })
  .nullish();

const requestSchema = z.object({
  id_token: z.object({ 'mh:sync': syncClaimSchema }).optional(),
});

/**
 * Whether the client wants its tokens at once, and follows the first fetch by its id.
 * @param claims the parsed `claims` parameter, or undefined where there was none.
 */
export function wantsAsyncSync(claims: unknown): boolean {
  const { data } = requestSchema.safeParse(claims);
  return data?.id_token?.['mh:sync']?.value?.enableAsync ?? false;
}

/**
 * The sync that an ID token names: the first one, which redeeming the code orders in the same moment,
 * or the latest, which the person's return from a reauthentication has ordered.
 */
export async function readSyncId(
  storage: Pick<Storage, 'get' | 'find'>,
  connectionId: string,
): Promise<string | undefined> {
  const connection = (await storage.get(connections, connectionId))?.value;
  if (connection?.status === 'pending') return firstSyncId(connection);
  return (await findLatestSync(storage, connectionId))?.id;
}
