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
