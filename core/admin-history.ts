import { randomBytes } from 'node:crypto';
import type { Author } from './clients.js';
import { orderedUuid } from './ordered-uuid.js';
import { type Collection, put, type Write } from './storage.js';

/** What is administered besides clients, which have histories of their own (`core/client-change.ts`). */
export type AdministeredKind = 'signing_key' | 'registration_token';

/** Who did what to something that is administered. */
export interface AdminEvent {
  readonly kind: AdministeredKind;
  /** The `kid`, or the id of the token. */
  readonly id: string;
  readonly action: 'created' | 'revoked';
  /** What it is, for one who reads this when it is gone: an algorithm, or whom a token was for. */
  readonly note: string;
  /** ISO 8601 */
  readonly at: string;
  readonly by: Author;
}

/** Oldest first, by kind. */
export const adminEvents: Collection<AdminEvent> = {
  name: 'admin_event',
  indexes: ['kind'],
  indexValues: ({ kind }) => ({ kind }),
};

/** The write of an event, for the commit of what it tells, after the write of that. */
export function recordEvent(event: Omit<AdminEvent, 'at'>, at: Date): Write {
  const id = orderedUuid(at, randomBytes(10));
  return put(adminEvents, id, { ...event, at: at.toISOString() });
}
