import type { AuthorizationDetail } from './authorization-details/detail-type.js';
import {
  accessOf,
  lastEnd,
  narrowWithin,
  stillGranted,
} from './authorization-details/detail-types.js';
import type { Clock } from './clock.js';
import { findAll } from './find-all.js';
import type { GrantWish } from './grant-management.js';
import {
  belongsTo,
  findTermsFault,
  type Intent,
  type IntentStatus,
  type IntentTerms,
  intents,
  isGrantOf,
  isIntentAuthorisable,
  isIntentLive,
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
  /** What ends what was issued so far, for a Grant that is replaced. */
  readonly revokeIssued: (grantId: string) => readonly Write[];
  /** What ends only the refresh tokens, for a Grant that is added to. */
  readonly revokeRefreshTokens: (grantId: string) => readonly Write[];
}

/** A customer's yes to accounts of theirs. */
export interface AccountsChoice {
  readonly customerId: string;
  readonly accountIds: readonly string[];
}

/** A customer's yes to authorization details, as granted. */
export interface DetailsChoice {
  readonly customerId: string;
  readonly details: readonly AuthorizationDetail[];
}

/** The intents of a bank: each change of status is one atomic commit. */
export interface IntentService {
  /** Registers an intent, or says which rule its terms break. */
  register(clientId: string, terms: IntentTerms): Promise<Intent | TermsFault>;
  /** The client's intent; another client's looks absent. */
  find(clientId: string, id: string): Promise<Intent | undefined>;
  /**
   * The customer's yes to these accounts, as writes to be committed with the Grant. A first yes binds
   * the intent to the customer; a later one (re-authorisation) replaces the accounts and keeps the id,
   * or adds to them where the client wishes to merge.
   * @throws {Refusal} `access_denied` to another customer, `conflict` where it cannot be authorised.
   */
  authorise(id: string, choice: AccountsChoice, wish?: GrantWish): Promise<readonly Write[]>;
  /**
   * The customer's yes to authorization details, as writes to be committed with the Grant: a new intent,
   * or the one that the client wishes to add to or to replace.
   * @throws {Refusal} `conflict` where that is not there any more, or not theirs.
   */
  grantDetails(
    clientId: string,
    choice: DetailsChoice,
    wish?: GrantWish,
  ): Promise<{ readonly intent: Intent; readonly writes: readonly Write[] }>;
  /**
   * A customer's yes to what no intent was registered for, as the writes that make one: so that it can be
   * found, read and withdrawn as any other.
   */
  establish(
    clientId: string,
    terms: IntentTerms,
    choice: AccountsChoice,
    wish?: GrantWish,
  ): { readonly intent: Intent; readonly writes: readonly Write[] };
  /**
   * A customer's yes to other terms of an intent in force, as writes that end what was issued on those
   * before.
   * @throws {Refusal} `conflict` where it is not there any more, or not theirs.
   */
  amend(
    clientId: string,
    id: string,
    terms: IntentTerms,
    choice: AccountsChoice,
  ): Promise<{ readonly intent: Intent; readonly writes: readonly Write[] }>;
  /** A no, as writes. Ends an intent that waits; one in force stays as the customer left it. */
  reject(id: string): Promise<readonly Write[]>;
  /**
   * Withdraws the client's intent and ends its tokens at once; the record stays readable. Repeating
   * it changes nothing. @returns false where the client has no such intent.
   */
  withdraw(clientId: string, id: string): Promise<boolean>;
  /** What a customer shares now: their intents in force, the latest first. */
  inForce(customerId: string): Promise<readonly Intent[]>;
  /** As {@link withdraw}, by the customer who shares. @returns false where they have no such intent. */
  endByCustomer(customerId: string, id: string): Promise<boolean>;
}

/** See {@link IntentService}. */
export function createIntentService(deps: IntentServiceDeps): IntentService {
  const { storage, clock, newId, revokeGrant, revokeIssued, revokeRefreshTokens } = deps;

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

  /** Grant Management §5.2: what refresh tokens stand for has changed, so that there have to be new ones. */
  function renew(id: string, wish: GrantWish | undefined): readonly Write[] {
    if (wish === undefined || wish.action === 'create') return [];
    return wish.action === 'merge' ? revokeRefreshTokens(id) : revokeIssued(id);
  }

  function end(id: string, isTheirs: (intent: Intent) => boolean): Promise<boolean> {
    return retryConflict(async () => {
      const stored = await storage.get(intents, id);
      if (!stored || !isTheirs(stored.value)) return false;
      const status = withdrawn[stored.value.status];
      if (status) {
        const next = move(stored.value, status);
        await storage.commit([update(intents, stored, next), ...revokeGrant(id)]);
      }
      return true;
    });
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

    async authorise(id, { customerId, accountIds }, wish) {
      const stored = await storage.get(intents, id);
      if (!stored || !isIntentAuthorisable(stored.value, clock.now())) {
        throw new Refusal('conflict', 'This request for access can no longer be authorised.');
      }
      if (!belongsTo(stored.value, customerId)) {
        throw new Refusal('access_denied', 'This access belongs to another customer.');
      }
      const { accountIds: before } = stored.value;
      const merged =
        wish?.action === 'merge' ? [...new Set([...before, ...accountIds])] : accountIds;
      const authorised = { ...move(stored.value, 'Authorised'), customerId, accountIds: merged };
      return [
        update(intents, stored, { ...authorised, ...(wish && { isManaged: true }) }),
        ...renew(id, wish),
      ];
    },

    async grantDetails(clientId, { customerId, details }, wish) {
      if (wish === undefined || wish.action === 'create') {
        const { permissions, ...summary } = summarise(details);
        const intent = {
          ...move(create(clientId, { permissions }), 'Authorised'),
          ...{ ...summary, customerId, authorizationDetails: details },
          ...(wish && { isManaged: true }),
        };
        return { intent, writes: [insert(intents, intent.id, intent)] };
      }
      const now = clock.now();
      const stored = await storage.get(intents, wish.grantId);
      const { authorizationDetails: held } = stored?.value ?? {};
      const isTheirs = stored?.value.customerId === customerId;
      if (!stored || !held || !isTheirs || !isGrantOf(stored.value, clientId, now)) {
        throw new Refusal('conflict', 'This access can no longer be changed.');
      }
      const all = wish.action === 'merge' ? merge(stillGranted(held, now), details) : details;
      const changed = { ...move(stored.value, 'Authorised'), ...summarise(all) };
      const intent = { ...changed, authorizationDetails: all, isManaged: true };
      return {
        intent,
        writes: [update(intents, stored, intent), ...renew(intent.id, wish)],
      };
    },

    establish(clientId, terms, choice, wish) {
      const intent = {
        ...move(create(clientId, terms), 'Authorised'),
        ...choice,
        ...(wish && { isManaged: true }),
      };
      return { intent, writes: [insert(intents, intent.id, intent)] };
    },

    async amend(clientId, id, terms, choice) {
      const stored = await storage.get(intents, id);
      const isTheirs = stored?.value.customerId === choice.customerId;
      if (!stored || !isTheirs || !isGrantOf(stored.value, clientId, clock.now())) {
        throw new Refusal('conflict', 'This access can no longer be changed.');
      }
      const intent = { ...move(stored.value, 'Authorised'), ...terms, ...choice };
      return { intent, writes: [update(intents, stored, intent), ...revokeIssued(id)] };
    },

    async reject(id) {
      const stored = await storage.get(intents, id);
      if (stored?.value.status !== 'AwaitingAuthorisation') return [];
      return [update(intents, stored, move(stored.value, 'Rejected'))];
    },

    withdraw: (clientId, id) => end(id, (intent) => intent.clientId === clientId),

    async inForce(customerId) {
      const theirs = await findAll(storage, intents, { index: 'customer', equals: customerId });
      return theirs
        .map(({ value }) => value)
        .filter((intent) => isIntentLive(intent, clock.now()))
        .sort((one, other) => Date.parse(other.createdAt) - Date.parse(one.createdAt));
    },

    endByCustomer: (customerId, id) => end(id, (intent) => intent.customerId === customerId),
  };
}

/** Without those that the new ones cover. */
function merge(
  held: readonly AuthorizationDetail[],
  added: readonly AuthorizationDetail[],
): readonly AuthorizationDetail[] {
  return [...held.filter((detail) => narrowWithin(added, detail) === undefined), ...added];
}

/** What details come to, in the words of an intent. */
function summarise(details: readonly AuthorizationDetail[]) {
  const access = accessOf(details);
  return {
    permissions: [...new Set(access.flatMap(({ permissions }) => permissions))],
    accountIds: [...new Set(access.flatMap(({ accountIds }) => accountIds))],
    expiresAt: lastEnd(details),
  };
}

/** What withdrawing makes of an intent that is not final yet. */
const withdrawn: Partial<Record<IntentStatus, IntentStatus>> = {
  AwaitingAuthorisation: 'Rejected',
  Authorised: 'Revoked',
};
