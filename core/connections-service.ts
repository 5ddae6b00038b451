import type { Clock } from './clock.js';
import { type Connection, connections } from './connection.js';
import { type Consent, consents } from './consent.js';
import type { ConsentedConnection } from './data-policy.js';
import { type EndConnectionDeps, endConnection } from './end-connection.js';
import { findAll } from './find-all.js';
import { isVisible, loadOwnConnection } from './own-connection.js';
import { loadOwnUser } from './own-user.js';
import { persistent, retryConflict } from './retry-conflict.js';
import { remove, type Storage, type Stored, type Write } from './storage.js';
import { users } from './user.js';

/** The connections of a client's users. */
export interface ConnectionsService {
  /**
   * A user's connections with the consent in force, oldest first; those that wait for their client
   * are not shown. @throws {Refusal} `not_found` for a user who is not this client's.
   */
  list(clientId: string, userId: string): Promise<readonly ConsentedConnection[]>;
  /** One of them. @throws {Refusal} `not_found` */
  get(clientId: string, userId: string, connectionId: string): Promise<ConsentedConnection>;
  /**
   * Removes a connection with its data and tokens, revokes its consent here and withdraws it at the
   * bank; a bank that is down is told later. @throws {Refusal} `not_found`
   */
  remove(clientId: string, userId: string, connectionId: string): Promise<void>;
  /**
   * Takes back a connection whose client never redeemed its code, and the one-time user it was made
   * with. Does nothing where it was redeemed or is gone.
   */
  abandon(connectionId: string): Promise<void>;
}

interface ConnectionsDeps extends EndConnectionDeps {
  readonly clock: Clock;
}

/** See {@link ConnectionsService}. */
export function createConnectionsService(deps: ConnectionsDeps): ConnectionsService {
  const { storage, clock, withdrawals } = deps;
  const now = () => new Date(clock.now());

  return {
    async list(clientId, userId) {
      const [linked, given] = await Promise.all([
        findAll(storage, connections, { index: 'user', equals: userId }),
        findAll(storage, consents, { index: 'user', equals: userId }),
        loadOwnUser(storage, clientId, userId),
      ]);
      return linked
        .filter(({ value }) => isVisible(value, clientId))
        .flatMap(({ value }) => withConsent(value, given))
        .sort((one, other) =>
          one.connection.connectedOn.localeCompare(other.connection.connectedOn),
        );
    },

    async get(clientId, userId, connectionId) {
      const held = await loadOwnConnection(storage, clientId, userId, connectionId);
      return { connection: held.connection.value, consent: held.consent.value };
    },

    async remove(clientId, userId, connectionId) {
      const withdrawal = await retryConflict(async () => {
        const held = await loadOwnConnection(storage, clientId, userId, connectionId);
        const end = await endConnection(deps, held.connection, now());
        await storage.commit([...end.writes, removal(held.connection)]);
        return end.withdrawal;
      }, persistent);
      await withdrawals.carryOut(withdrawal);
    },

    async abandon(connectionId) {
      const withdrawal = await retryConflict(async () => {
        const stored = await storage.get(connections, connectionId);
        if (stored?.value.status !== 'pending') return undefined;
        const end = await endConnection(deps, stored, now());
        const user = await removeOneTimeUser(storage, stored);
        await storage.commit([removal(stored), ...end.writes, ...user]);
        return end.withdrawal;
      }, persistent);
      if (withdrawal !== undefined) await withdrawals.carryOut(withdrawal);
    },
  };
}

function withConsent(
  connection: Connection,
  given: readonly Stored<Consent>[],
): readonly ConsentedConnection[] {
  return given
    .filter(({ id }) => id === connection.consentId)
    .map(({ value: consent }) => ({ connection, consent }));
}

function removal({ id, version }: Stored<Connection>): Write {
  return remove(connections, id, version);
}

/** A one-time user exists by its one connection and goes with it. */
async function removeOneTimeUser(storage: Storage, { value }: Stored<Connection>) {
  const user = await storage.get(users, value.userId);
  if (user?.value.managedBy !== 'user') return [];
  return [remove(users, user.id, user.version)];
}
