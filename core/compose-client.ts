import { metadataMembers } from './client-metadata.js';
import type { ClientRules } from './client-rules.js';
import type { ClientRecord } from './clients.js';

/** A client's secret as its way of authentication wants it: the one it has, a new one, or none. */
export function fitSecret(
  client: ClientRecord,
  rules: Pick<ClientRules, 'needsSecret'>,
  newSecret: () => string,
): ClientRecord {
  if (rules.needsSecret(client)) {
    return client.client_secret === undefined ? { ...client, client_secret: newSecret() } : client;
  }
  const { client_secret: _secret, previous_client_secret: _previous, ...rest } = client;
  return { ...rest, client_id: client.client_id };
}

/** A client with other metadata, and otherwise as it was. */
export function withMetadata(client: ClientRecord, metadata: object): ClientRecord {
  const kept = Object.entries(client).filter(([member]) => !metadataMembers.includes(member));
  return { ...Object.fromEntries(kept), client_id: client.client_id, ...metadata };
}
