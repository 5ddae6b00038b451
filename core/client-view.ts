import { metadataMembers } from './client-metadata.js';
import type { Author, ClientRecord } from './clients.js';
import type { Stored } from './storage.js';

/** A client as operators see it: all but its secrets. Times are ISO 8601. */
export interface ClientView {
  readonly clientId: string;
  readonly status: 'active' | 'inactive' | 'ending';
  readonly managedBy: 'file' | 'api';
  readonly isOperator: boolean;
  readonly hasSecret: boolean;
  /** Until when the secret before the present one is accepted too. */
  readonly previousSecretExpiresAt?: string;
  readonly createdAt?: string;
  readonly updatedAt?: string;
  readonly updatedBy?: Author;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** See {@link ClientView}. @param now milliseconds since the epoch. */
export function viewClient(client: ClientRecord, now: number): ClientView {
  const { previous_client_secret: previous, client_id_issued_at: issued } = client;
  const { updated_at: updatedAt, updated_by: updatedBy } = client;
  return {
    clientId: client.client_id,
    status: client.client_status ?? 'active',
    managedBy: client.managed_by ?? 'api',
    isOperator: client.operator !== undefined,
    hasSecret: client.client_secret !== undefined,
    ...(previous &&
      Date.parse(previous.expires_at) > now && { previousSecretExpiresAt: previous.expires_at }),
    ...(issued !== undefined && { createdAt: new Date(issued * 1000).toISOString() }),
    ...(updatedAt !== undefined && { updatedAt }),
    ...(updatedBy && { updatedBy }),
    metadata: metadataOf(client),
  };
}

/** A client's metadata in the order of the schema; what else a registration left there is left out. */
export function metadataOf(client: ClientRecord): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    metadataMembers.flatMap((member) => {
      const value = client[member];
      return value === undefined ? [] : [[member, value] as const];
    }),
  );
}

/** What stands for one state of a client; another client of the same id has others. */
export function etagOf({ value, version }: Stored<ClientRecord>): string {
  return `"${value.client_id_issued_at ?? 0}-${version}"`;
}
