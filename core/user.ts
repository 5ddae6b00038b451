import { randomBytes } from 'node:crypto';
import type { Collection } from './storage.js';

/** A person at one client: whose data it is. Two clients never share a user. */
export interface User {
  /** 24 hexadecimal characters. */
  readonly userId: string;
  readonly clientId: string;
  /** The client's own label; free text, not unique. */
  readonly clientUserId?: string | undefined;
  /** What the client says of a person it registered as a SCIM resource. */
  readonly scim?: ScimMembers | undefined;
  /** `client`: registered through the API for ongoing access. `user`: made by a one-time visit. */
  readonly managedBy: 'client' | 'user';
  readonly userType: 'live' | 'test';
  /** ISO 8601. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly lastAccessed: string;
}

/** The members of a SCIM user (RFC 7643 §4.1, identity-service.md §1.8), as its client gave them. */
export interface ScimMembers {
  /** The client's own identifier, one of a kind among its users. */
  readonly externalId: string;
  readonly name?: { readonly familyName: string; readonly givenName: string } | undefined;
  readonly emails?: readonly { readonly value: string }[] | undefined;
  /** The subtenant that the person belongs to. */
  readonly subtenant?: { readonly name: string; readonly providerId: string } | undefined;
}

/** Users by id; the indexes list a client's users, and its SCIM users, in the order they were made. */
export const users: Collection<User> = {
  name: 'user',
  indexes: ['client', 'scim'],
  indexValues: ({ clientId, scim }) => ({ client: clientId, scim: scim && clientId }),
};

/** A new person that a client manages. @param now milliseconds since the epoch. */
export function makeManagedUser(
  clientId: string,
  given: Pick<User, 'clientUserId' | 'scim'>,
  now: number,
): User {
  const at = new Date(now).toISOString();
  return {
    userId: makeUserId(now),
    clientId,
    ...given,
    managedBy: 'client',
    userType: 'live',
    createdAt: at,
    updatedAt: at,
    lastAccessed: at,
  };
}

/**
 * A new user id: 24 hexadecimal characters that begin with the time, so that the index `client`, which
 * orders by id, keeps the order in which users were made, to the millisecond.
 * @param now milliseconds since the epoch.
 */
export function makeUserId(now: number): string {
  return now.toString(16).padStart(12, '0') + randomBytes(6).toString('hex');
}
