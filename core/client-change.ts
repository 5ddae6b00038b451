import { hash, randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Author, type ClientRecord, secretMembers } from './clients.js';
import { orderedUuid } from './ordered-uuid.js';
import { type Collection, put, type Write } from './storage.js';

/**
 * One member of a client that changed; a side that is absent was not set. Secrets are not repeated, and
 * in the history what is large neither.
 */
export interface MemberChange {
  readonly member: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export type ClientAction =
  | 'created'
  | 'updated'
  | 'disabled'
  | 'enabled'
  | 'deleted'
  | 'secret_rotated';

/** An entry in the history of a client: who did what. Kept when the client is gone. */
export interface ClientChange {
  readonly clientId: string;
  /** ISO 8601 */
  readonly at: string;
  readonly by: Author;
  readonly action: ClientAction;
  readonly changes: readonly MemberChange[];
}

/** The history of every client, oldest first. */
export const clientChanges: Collection<ClientChange> = {
  name: 'client_change',
  indexes: ['client'],
  indexValues: ({ clientId }) => ({ client: clientId }),
};

/** What the record itself keeps about its changes. */
const ownMembers: ReadonlySet<string> = new Set([
  'updated_at',
  'updated_by',
  'client_id_issued_at',
  'registration',
]);

/** What differs between two states of a client, member by member; absent for one that is not there. */
export function compareClients(
  before: ClientRecord | undefined,
  after: ClientRecord | undefined,
): readonly MemberChange[] {
  const members = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return [...members]
    .filter((member) => !ownMembers.has(member))
    .filter((member) => !isDeepStrictEqual(before?.[member], after?.[member]))
    .map((member) => ({
      member,
      ...show('before', member, before?.[member]),
      ...show('after', member, after?.[member]),
    }));
}

function show(side: 'before' | 'after', member: string, value: unknown) {
  if (value === undefined) return {};
  return { [side]: secretMembers.has(member) ? '(changed)' : value };
}

/**
 * The write of a change into the client's history, for the commit that makes it. It comes after the
 * client's own write, so that on an engine without transactions nothing is told that did not happen.
 */
export function recordChange(
  clientId: string,
  action: ClientAction,
  changes: readonly MemberChange[],
  author: { readonly by: Author; readonly at: Date },
): Write {
  const { by, at } = author;
  const id = orderedUuid(at, randomBytes(10));
  const told = changes.map(({ member, ...sides }) => ({
    member,
    ...Object.fromEntries(Object.entries(sides).map(([side, value]) => [side, shorten(value)])),
  }));
  return put(clientChanges, id, { clientId, at: at.toISOString(), by, action, changes: told });
}

/** Characters of JSON: what is larger is told by its hash, so that no client fills the store. */
const largestTold = 1024;

function shorten(value: unknown): unknown {
  const text = JSON.stringify(value);
  if (text.length <= largestTold) return value;
  return `(${text.length} characters, SHA-256 ${hash('sha256', text, 'base64url')})`;
}
