import type { Clock } from './clock.js';
import { findPage } from './find-page.js';
import { Refusal } from './refusal.js';
import { type Collection, insert, type Storage, StorageConflict, type Write } from './storage.js';
import { makeManagedUser, type ScimMembers, type User, users } from './user.js';

/** A person that a client registered as a SCIM resource. */
export type ScimUser = User & { readonly scim: ScimMembers };

/** Who a client means by an `externalId`. It may name a person, so the store only sees its hash. */
export const scimIdentities: Collection<{ readonly userId: string }> = {
  name: 'scim_identity',
  secretIds: true,
  indexes: [],
  indexValues: () => ({}),
};

/** What {@link scimIdentities} keeps an `externalId` of a client under. */
export function scimIdentityId(clientId: string, externalId: string): string {
  return JSON.stringify([clientId, externalId]);
}

export interface ScimPage {
  readonly limit: number;
  readonly offset: number;
}

export interface ScimList {
  readonly users: readonly ScimUser[];
  /** How many there are beyond this page too. */
  readonly total: number;
}

/** The people a client keeps as SCIM users (identity-service.md §1.8): users like its others. */
export interface ScimUsers {
  /**
   * @param remember more writes for the commit of the new user.
   * @throws {Refusal} `conflict` for an `externalId` that the client has used for somebody.
   */
  register(
    clientId: string,
    members: ScimMembers,
    remember?: (registered: ScimUser) => readonly Write[],
  ): Promise<ScimUser>;
  /** @throws {Refusal} `not_found`, also for a user that is no SCIM user. */
  get(clientId: string, userId: string): Promise<ScimUser>;
  find(
    clientId: string,
    by: { readonly attribute: 'externalId' | 'id'; readonly value: string },
  ): Promise<ScimUser | undefined>;
  /** In the order they were made. */
  list(clientId: string, page: ScimPage): Promise<ScimList>;
}

/** See {@link ScimUsers}. */
export function createScimUsers(deps: {
  readonly storage: Storage;
  readonly clock: Clock;
}): ScimUsers {
  const { storage, clock } = deps;

  async function read(clientId: string, userId: string): Promise<ScimUser | undefined> {
    const user = (await storage.get(users, userId))?.value;
    return user?.clientId === clientId && isScimUser(user) ? user : undefined;
  }

  return {
    async register(clientId, scim, remember = () => []) {
      const made = { ...makeManagedUser(clientId, {}, clock.now()), scim };
      const identity = scimIdentityId(clientId, scim.externalId);
      // One whose user is missing was left by a crash, on an engine without transactions: its user is
      // made now, and the id lets one of several callers make it.
      const held = await storage.get(scimIdentities, identity);
      const user = { ...made, userId: held?.value.userId ?? made.userId };
      try {
        await storage.commit([
          ...remember(user),
          ...(held ? [] : [insert(scimIdentities, identity, { userId: user.userId })]),
          insert(users, user.userId, user),
        ]);
      } catch (error) {
        const { name } = error instanceof StorageConflict ? error.write.collection : { name: '' };
        throw name === scimIdentities.name || name === users.name
          ? new Refusal('conflict', 'There is a SCIM user with this externalId', { cause: error })
          : error;
      }
      return user;
    },

    async get(clientId, userId) {
      const user = await read(clientId, userId);
      if (!user) throw new Refusal('not_found', 'There is no such SCIM user');
      return user;
    },

    async find(clientId, { attribute, value }) {
      if (attribute === 'id') return read(clientId, value);
      const identity = await storage.get(scimIdentities, scimIdentityId(clientId, value));
      return identity && read(clientId, identity.value.userId);
    },

    async list(clientId, { limit, offset }) {
      const query = { index: 'scim', equals: clientId, order: 'ascending' } as const;
      // A search for none at all asks how many there are (RFC 7644 §3.4.2.4).
      const page = { limit: Math.max(limit, 1), offset };
      const { values, total } = await findPage(storage, users, query, page);
      return { users: values.slice(0, limit).filter(isScimUser), total };
    },
  };
}

function isScimUser(user: User): user is ScimUser {
  return user.scim !== undefined;
}
