import { type Connection, connections } from './connection.js';
import { consents } from './consent.js';
import type { StoredConnection } from './extend-consent.js';
import { Refusal } from './refusal.js';
import type { Storage } from './storage.js';

/**
 * A connection of this client's user, with its consent in force.
 * @throws {Refusal} `not_found` for any other, of whomever it is.
 */
export async function loadOwnConnection(
  storage: Storage,
  clientId: string,
  userId: string,
  connectionId: string,
): Promise<StoredConnection> {
  const connection = await storage.get(connections, connectionId);
  const isOwn = connection?.value.userId === userId && isVisible(connection.value, clientId);
  const consent = isOwn ? await storage.get(consents, connection.value.consentId) : undefined;
  if (!connection || !consent) throw new Refusal('not_found', 'There is no such connection');
  return { connection, consent };
}

/** Whether the API shows it: a pending one is the client's only once the code is redeemed. */
export function isVisible(connection: Connection, clientId: string): boolean {
  return connection.clientId === clientId && connection.status !== 'pending';
}
