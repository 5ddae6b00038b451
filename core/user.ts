import { randomBytes } from 'node:crypto';
import type { Collection } from './storage.js';

/** A person at one client: whose data it is. Two clients never share a user. */
export interface User {
  /** 24 hexadecimal characters. */
  readonly userId: string;
  readonly clientId: string;
  /** The client's own label; free text, not unique. */
  readonly clientUserId?: string | undefined;
  /** `client`: registered through the API for ongoing access. `user`: made by a one-time visit. */
  readonly managedBy: 'client' | 'user';
  readonly userType: 'live' | 'test';
  /** ISO 8601. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly lastAccessed: string;
}

/** Users by id; the index `client` lists a client's users in the order they were made. */
export const users: Collection<User> = {
  name: 'user',
  indexes: ['client'],
  indexValues: (user) => ({ client: user.clientId }),
};

/**
 * A new user id: 24 hexadecimal characters that begin with the time, so that the index `client`, which
 * orders by id, keeps the order in which users were made, to the millisecond.
 * @param now milliseconds since the epoch.
 */
export function makeUserId(now: number): string {
  return now.toString(16).padStart(12, '0') + randomBytes(6).toString('hex');
}
