import { Refusal } from './refusal.js';
import type { Storage, Stored } from './storage.js';
import { type User, users } from './user.js';

/**
 * One of a client's users. Another client's does not exist for it.
 * @throws {Refusal} `not_found`
 */
export async function loadOwnUser(
  storage: Pick<Storage, 'get'>,
  clientId: string,
  userId: string,
): Promise<Stored<User>> {
  const user = await storage.get(users, userId);
  if (user?.value.clientId === clientId) return user;
  throw new Refusal('not_found', 'There is no such user');
}
