import type { Clock } from './clock.js';
import {
  findTermsFault,
  type Intent,
  type IntentStatus,
  type IntentTerms,
  intents,
  isIntentAuthorisable,
  type TermsFault,
} from './intent.js';
import { Refusal } from './refusal.js';
import { insert, type Storage, StorageConflict, type Stored, update, type Write } from './storage.js';

export interface IntentServiceDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  /** A new UUID. */
  readonly newId: () => string;
  /** What ends every code and token of a Grant; committed together with the new status. */
  readonly revokeGrant: (grantId: string) => readonly Write[];
}

/** The intents of a bank: each change of status is one atomic commit. */
export interface IntentService {
  /** Registers an intent, or says which rule its terms break. */
  register(clientId: string, terms: IntentTerms): Promise<Intent | TermsFault>;
  /** The client's intent; another client's looks absent. */
  find(clientId: string, id: string): Promise<Intent | undefined>;
  /**
   * The customer's yes to these accounts. A first yes binds the intent to the customer; a later one
   * (re-authorisation) replaces the accounts and keeps the id.
   * @throws {Refusal} `access_denied` to another customer, `conflict` where it cannot be authorised.
   */
  authorise(
    id: string,
    choice: { readonly customerId: string; readonly accountIds: readonly string[] },
  ): Promise<Intent>;
  /** A no. Ends an intent that waits; one already in force stays as the customer left it. */
  reject(id: string): Promise<void>;
  /**
   * Withdraws the client's intent and ends its tokens at once; the record stays readable. Repeating
   * it changes nothing. @returns false where the client has no such intent.
   */
  withdraw(clientId: string, id: string): Promise<boolean>;
}

/** How often a change is tried again after losing a race for the same intent. */
const maxAttempts = 5;

export function createIntentService(deps: IntentServiceDeps): IntentService {
  const { storage, clock, newId, revokeGrant } = deps;

  /** Reads, decides and writes until no other writer came between; undefined changes nothing. */
  async function change(
    id: string,
    decide: (intent: Intent) => Intent | undefined,
    alongside: readonly Write[] = [],
  ): Promise<Intent | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const stored = await storage.get(intents, id);
      const next = stored && decide(stored.value);
      if (!stored || !next) return stored?.value;
      if (await tryCommit(stored, next, alongside, attempt)) return next;
    }
  }

  async function tryCommit(
    stored: Stored<Intent>,
    next: Intent,
    alongside: readonly Write[],
    attempt: number,
  ): Promise<boolean> {
    try {
      await storage.commit([update(intents, stored, next), ...alongside]);
      return true;
    } catch (error) {
      if (error instanceof StorageConflict && attempt < maxAttempts) return false;
      throw error;
    }
  }

  function move(intent: Intent, status: IntentStatus): Intent {
    return { ...intent, status, statusUpdatedAt: new Date(clock.now()).toISOString() };
  }

  return {
    async register(clientId, terms) {
      const fault = findTermsFault(terms, clock.now());
      if (fault) return fault;
      const createdAt = new Date(clock.now()).toISOString();
      const intent: Intent = {
        ...terms,
        id: newId(),
        clientId,
        status: 'AwaitingAuthorisation',
        createdAt,
        statusUpdatedAt: createdAt,
        accountIds: [],
      };
      await storage.commit([insert(intents, intent.id, intent)]);
      return intent;
    },

    async find(clientId, id) {
      const intent = (await storage.get(intents, id))?.value;
      return intent?.clientId === clientId ? intent : undefined;
    },

    async authorise(id, { customerId, accountIds }) {
      const intent = await change(id, (found) => {
        if (!isIntentAuthorisable(found, clock.now())) {
          throw new Refusal('conflict', 'This request for access can no longer be authorised');
        }
        if (found.customerId !== undefined && found.customerId !== customerId) {
          throw new Refusal('access_denied', 'This access belongs to another customer');
        }
        return { ...move(found, 'Authorised'), customerId, accountIds };
      });
      if (!intent) throw new Refusal('not_found', 'This request for access does not exist');
      return intent;
    },

    async reject(id) {
      await change(id, (found) =>
        found.status === 'AwaitingAuthorisation' ? move(found, 'Rejected') : undefined,
      );
    },

    async withdraw(clientId, id) {
      let found = false;
      await change(
        id,
        (intent) => {
          found = intent.clientId === clientId;
          if (!found) return undefined;
          if (intent.status === 'AwaitingAuthorisation') return move(intent, 'Rejected');
          return intent.status === 'Authorised' ? move(intent, 'Revoked') : undefined;
        },
        revokeGrant(id),
      );
      return found;
    },
  };
}
