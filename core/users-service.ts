import type { Clock } from './clock.js';
import { connections } from './connection.js';
import { consents } from './consent.js';
import { type EndConnectionDeps, endConnection, revokeConsents } from './end-connection.js';
import { findAll } from './find-all.js';
import { findPage } from './find-page.js';
import { isVisible } from './own-connection.js';
import { loadOwnUser } from './own-user.js';
import { persistent, retryConflict } from './retry-conflict.js';
import { scimIdentities, scimIdentityId } from './scim-users.js';
import { insert, remove, type Write } from './storage.js';
import { makeManagedUser, type User, users } from './user.js';

/** A user with the ids of the connections that the API shows. */
export interface UserWithConnections {
  readonly user: User;
  readonly connectionIds: readonly string[];
}

/** The people a client has registered or connected. Another client's do not exist for it. */
export interface UsersService {
  /** @param remember more writes for the commit of the new user. */
  register(
    clientId: string,
    clientUserId: string | undefined,
    remember?: (registered: UserWithConnections) => readonly Write[],
  ): Promise<UserWithConnections>;
  /** At most `limit` users after `offset`, in the order they were made, and how many there are. */
  list(
    clientId: string,
    page: { readonly limit: number; readonly offset: number },
  ): Promise<{ readonly users: readonly UserWithConnections[]; readonly total: number }>;
  /** @throws {Refusal} `not_found` */
  get(clientId: string, userId: string): Promise<UserWithConnections>;
  /**
   * Deletes a user with all connections, data and tokens; consents are revoked here and withdrawn at
   * the banks; a bank that is down is told later. @throws {Refusal} `not_found`
   */
  remove(clientId: string, userId: string): Promise<void>;
}

interface UsersDeps extends EndConnectionDeps {
  readonly clock: Clock;
}

/** See {@link UsersService}. */
export function createUsersService(deps: UsersDeps): UsersService {
  const { storage, clock, withdrawals, revokeGrant } = deps;

  async function withConnections(user: User): Promise<UserWithConnections> {
    const linked = await findAll(storage, connections, { index: 'user', equals: user.userId });
    const shown = linked.filter(({ value }) => isVisible(value, user.clientId));
    return { user, connectionIds: shown.map(({ id }) => id) };
  }

  return {
    async register(clientId, clientUserId, remember = () => []) {
      const user = makeManagedUser(clientId, { clientUserId }, clock.now());
      const registered = { user, connectionIds: [] };
      await storage.commit([...remember(registered), insert(users, user.userId, user)]);
      return registered;
    },

    async list(clientId, { limit, offset }) {
      const query = { index: 'client', equals: clientId, order: 'ascending' } as const;
      const { values, total } = await findPage(storage, users, query, { limit, offset });
      return { users: await Promise.all(values.map(withConnections)), total };
    },

    async get(clientId, userId) {
      return withConnections((await loadOwnUser(storage, clientId, userId)).value);
    },

    async remove(clientId, userId) {
      const ofUser = { index: 'user', equals: userId };
      const orders = await retryConflict(async () => {
        const user = await loadOwnUser(storage, clientId, userId);
        const at = new Date(clock.now());
        const [linked, given] = await Promise.all([
          findAll(storage, connections, ofUser),
          findAll(storage, consents, ofUser),
        ]);
        const ends = await Promise.all(linked.map((each) => endConnection(deps, each, at)));
        // Consents whose visit is still under way have no connection yet.
        const unlinked = given.filter(
          ({ value }) => !linked.some(({ id }) => id === value.connectionId),
        );
        await storage.commit([
          ...ends.flatMap(({ writes }) => writes),
          ...revokeConsents(unlinked, at),
          ...unlinked.flatMap(({ id }) => revokeGrant(id)),
          ...linked.map(({ id, version }) => remove(connections, id, version)),
          remove(users, userId, user.version),
          ...forgetIdentity(user.value),
        ]);
        return ends.map(({ withdrawal }) => withdrawal);
      }, persistent);
      await Promise.all(orders.map((id) => withdrawals.carryOut(id)));
    },
  };
}

/** The client may use the `externalId` for somebody else then. */
function forgetIdentity({ clientId, scim }: User): readonly Write[] {
  return scim ? [remove(scimIdentities, scimIdentityId(clientId, scim.externalId))] : [];
}
