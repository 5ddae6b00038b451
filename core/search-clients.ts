import { type ClientRecord, clients } from './clients.js';
import { InvalidCursor, type Storage, type Stored } from './storage.js';

/** Which clients an operator looks for. */
export interface ClientSearch {
  /** Part of the name, the id, a redirect host, the business or the software; capitals make no difference. */
  readonly search?: string | undefined;
  readonly status?: 'active' | 'inactive' | 'ending' | undefined;
  readonly managedBy?: 'file' | 'api' | undefined;
  /** At most this many. */
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
}

/** Names are sealed at rest, so a search reads clients: this many at most before it gives what it has. */
const read = 2000;
const pageSize = 250;

/**
 * A page of the clients by id. It may hold fewer than `limit` and still have a `next`.
 * @throws {InvalidCursor}
 */
export async function searchClients(
  storage: Pick<Storage, 'find'>,
  { limit, after, ...wanted }: ClientSearch,
): Promise<{ readonly clients: readonly Stored<ClientRecord>[]; readonly next?: string }> {
  const found: Stored<ClientRecord>[] = [];
  let last = after === undefined ? '' : readCursor(after);
  for (let seen = 0; seen < read; seen += pageSize) {
    // No client id has a character before the space.
    const query = { index: 'id', from: `${last}\u0001`, limit: pageSize };
    const { records, next } = await storage.find(clients, query);
    for (const client of records) {
      if (found.length === limit) return { clients: found, next: writeCursor(last) };
      last = client.id;
      if (matches(client.value, wanted)) found.push(client);
    }
    if (next === undefined) return { clients: found };
  }
  return { clients: found, next: writeCursor(last) };
}

function matches(
  client: ClientRecord,
  { search, status, managedBy }: Omit<ClientSearch, 'limit' | 'after'>,
): boolean {
  const { client_status: held = 'active', managed_by: manager = 'api' } = client;
  if (status !== undefined && status !== held) return false;
  if (managedBy !== undefined && managedBy !== manager) return false;
  if (search === undefined) return true;
  const hosts = (client.redirect_uris ?? []).map((uri) => URL.parse(uri)?.hostname ?? '');
  const text = fold(search);
  const named = ['organisation_id', 'organisation_name', 'software_id'].map(
    (member) => client[member],
  );
  return [client.client_name, client.client_id, ...hosts, ...named].some(
    (part) => typeof part === 'string' && fold(part).includes(text),
  );
}

function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

function writeCursor(last: string): string {
  return Buffer.from(last).toString('base64url');
}

function readCursor(cursor: string): string {
  const last = Buffer.from(cursor, 'base64url').toString();
  if (writeCursor(last) !== cursor) throw new InvalidCursor('The cursor is none of ours');
  return last;
}
