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
  const isNoteChanged = !isDeepStrictEqual(after.set_by_operators ?? [], noted);
  return isNoteChanged ? after : asConfigured(after, before);
}

/**
 * A client as a file has it. A file is applied again and again and is older than the note, so of one that
 * registered itself it only adds to what is noted.
 */
export function asConfigured(after: ClientRecord, before: ClientRecord): ClientRecord {
  if (!before.registration) return after;
  const changed = compareClients(before, after)
    .map(({ member }) => member)
    .filter((name) => name !== 'set_by_operators' && metadataMembers.includes(name));
  const both = [...(before.set_by_operators ?? []), ...(after.set_by_operators ?? []), ...changed];
  return both.length === 0 ? after : { ...after, set_by_operators: [...new Set(both)] };
}
