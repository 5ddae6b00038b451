import type { BankBudget, BudgetState } from './bank-budget.js';
import { findPage } from './find-page.js';
import { loadOwnConnection } from './own-connection.js';
import { loadOwnUser } from './own-user.js';
import { Refusal } from './refusal.js';
import type { Storage } from './storage.js';
import { type Sync, syncs } from './sync.js';

/** At most `limit` after `offset`, and how many there are. */
interface PageRequest {
  readonly limit: number;
  readonly offset: number;
}

interface SyncPage {
  readonly syncs: readonly Sync[];
  readonly total: number;
}

/** The syncs of a client's users, newest first, for the 90 days they are kept. */
export interface SyncsService {
  /** @throws {Refusal} `not_found` for a user who is not this client's. */
  listOfUser(clientId: string, userId: string, page: PageRequest): Promise<SyncPage>;
  /** @throws {Refusal} `not_found` */
  listOfConnection(
    clientId: string,
    userId: string,
    connectionId: string,
    page: PageRequest,
  ): Promise<SyncPage>;
  /** @throws {Refusal} `not_found` */
  get(clientId: string, userId: string, syncId: string): Promise<Sync>;
  /** What is left for unattended syncs of a connection. @throws {Refusal} `not_found` */
  readBudget(clientId: string, userId: string, connectionId: string): Promise<BudgetState>;
}

interface SyncsDeps {
  readonly storage: Storage;
  readonly budget: Pick<BankBudget, 'read'>;
}

/** See {@link SyncsService}. */
export function createSyncsService({ storage, budget }: SyncsDeps): SyncsService {
  async function list(index: 'user' | 'connection', equals: string, page: PageRequest) {
    const query = { index, equals, order: 'descending' } as const;
    const { values, total } = await findPage(storage, syncs, query, page);
    return { syncs: values, total };
  }

  return {
    async listOfUser(clientId, userId, page) {
      await loadOwnUser(storage, clientId, userId);
      return list('user', userId, page);
    },

    async listOfConnection(clientId, userId, connectionId, page) {
      await loadOwnConnection(storage, clientId, userId, connectionId);
      return list('connection', connectionId, page);
    },

    async get(clientId, userId, syncId) {
      const sync = (await storage.get(syncs, syncId))?.value;
      if (sync?.clientId !== clientId || sync.userId !== userId) {
        throw new Refusal('not_found', 'There is no such sync');
      }
      return sync;
    },

    async readBudget(clientId, userId, connectionId) {
      const held = await loadOwnConnection(storage, clientId, userId, connectionId);
      return budget.read(held.connection.value);
    },
  };
}
