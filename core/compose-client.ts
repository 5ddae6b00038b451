import { isDeepStrictEqual } from 'node:util';
import { compareClients } from './client-change.js';
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

/**
 * A client as an operator changes it. Where it registered itself, what the operator changed is noted and
 * stays when it changes itself; who changes the note itself lets the client say more again, or less.
 */
export function asOperated(after: ClientRecord, before: ClientRecord): ClientRecord {
  const { set_by_operators: noted = [] } = before;
  if (!before.registration || !isDeepStrictEqual(after.set_by_operators ?? [], noted)) return after;
  const changed = compareClients(before, after).map(({ member }) => member);
  const members = new Set([...noted, ...changed.filter((name) => metadataMembers.includes(name))]);
  return members.size === 0 ? after : { ...after, set_by_operators: [...members] };
}
