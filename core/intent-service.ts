import type { Clock } from './clock.js';
import {
  belongsTo,
  findTermsFault,
  type Intent,
  type IntentStatus,
  type IntentTerms,
  intents,
  isIntentAuthorisable,
  type TermsFault,
} from './intent.js';
import { Refusal } from './refusal.js';
import { retryConflict } from './retry-conflict.js';
import { insert, type Storage, update, type Write } from './storage.js';

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
   * The customer's yes to these accounts, as writes to be committed with the Grant. A first yes binds
   * the intent to the customer; a later one (re-authorisation) replaces the accounts and keeps the id.
   * @throws {Refusal} `access_denied` to another customer, `conflict` where it cannot be authorised.
   */
  authorise(
    id: string,
    choice: { readonly customerId: string; readonly accountIds: readonly string[] },
  ): Promise<readonly Write[]>;
  /**
   * A customer's yes to what no intent was registered for, as the writes that make one: so that it can be
   * found, read and withdrawn as any other.
   */
  establish(
    clientId: string,
    terms: IntentTerms,
    choice: { readonly customerId: string; readonly accountIds: readonly string[] },
  ): { readonly intent: Intent; readonly writes: readonly Write[] };
  /** A no, as writes. Ends an intent that waits; one in force stays as the customer left it. */
  reject(id: string): Promise<readonly Write[]>;
  /**
   * Withdraws the client's intent and ends its tokens at once; the record stays readable. Repeating
   * it changes nothing. @returns false where the client has no such intent.
   */
  withdraw(clientId: string, id: string): Promise<boolean>;
}

/** See {@link IntentService}. */
export function createIntentService(deps: IntentServiceDeps): IntentService {
  const { storage, clock, newId, revokeGrant } = deps;

  function move(intent: Intent, status: IntentStatus): Intent {
    return { ...intent, status, statusUpdatedAt: new Date(clock.now()).toISOString() };
  }

  function create(clientId: string, terms: IntentTerms): Intent {
    const createdAt = new Date(clock.now()).toISOString();
    return {
      ...terms,
      id: newId(),
      clientId,
      status: 'AwaitingAuthorisation',
      createdAt,
      statusUpdatedAt: createdAt,
      accountIds: [],
    };
  }

  return {
    async register(clientId, terms) {
      const fault = findTermsFault(terms, clock.now());
      if (fault) return fault;
      const intent = create(clientId, terms);
      await storage.commit([insert(intents, intent.id, intent)]);
      return intent;
    },

    async find(clientId, id) {
      const intent = (await storage.get(intents, id))?.value;
      return intent?.clientId === clientId ? intent : undefined;
    },

    async authorise(id, { customerId, accountIds }) {
      const stored = await storage.get(intents, id);
      if (!stored || !isIntentAuthorisable(stored.value, clock.now())) {
        throw new Refusal('conflict', 'This request for access can no longer be authorised.');
      }
      if (!belongsTo(stored.value, customerId)) {
        throw new Refusal('access_denied', 'This access belongs to another customer.');
      }
      const authorised = { ...move(stored.value, 'Authorised'), customerId, accountIds };
      return [update(intents, stored, authorised)];
    },

    establish(clientId, terms, choice) {
      const intent = { ...move(create(clientId, terms), 'Authorised'), ...choice };
      return { intent, writes: [insert(intents, intent.id, intent)] };
    },

    async reject(id) {
      const stored = await storage.get(intents, id);
      if (stored?.value.status !== 'AwaitingAuthorisation') return [];
      return [update(intents, stored, move(stored.value, 'Rejected'))];
    },

    async withdraw(clientId, id) {
      return retryConflict(async () => {
        const stored = await storage.get(intents, id);
        if (stored?.value.clientId !== clientId) return false;
        const status = withdrawn[stored.value.status];
        if (status) {
          const next = move(stored.value, status);
          await storage.commit([update(intents, stored, next), ...revokeGrant(id)]);
        }
        return true;
      });
    },
  };
}

/** What withdrawing makes of an intent that is not final yet. */
const withdrawn: Partial<Record<IntentStatus, IntentStatus>> = {
  AwaitingAuthorisation: 'Rejected',
  Authorised: 'Revoked',
};
