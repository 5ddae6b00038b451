import { setTimeout as wait } from 'node:timers/promises';
import {
  type Approval,
  type ApprovalDecision,
  approvalIdOf,
  approvals,
  distinguishable,
  stateOf,
  waitingIndexValue,
} from './approval.js';
import { hasAttempt, restoreAttempts, spendAttempt } from './attempts.js';
import type { BankCustomer, BankLedger, CustomerHint } from './bank-ledger.js';
import type { ClientMetadata } from './clients.js';
import type { Clock } from './clock.js';
import { belongsTo, isIntentAuthorisable } from './intent.js';
import type { IntentService } from './intent-service.js';
import { schedulePing } from './ping-client.js';
import { Refusal } from './refusal.js';
import { persistent } from './retry-conflict.js';
import { insert, type Storage, type Stored, update, type Write } from './storage.js';
import { createTurns } from './turns.js';

/**
 * What CIBA Core §13, Unmet Authentication Requirements 1.0 and, where the bank's systems take too long,
 * RFC 6749 §4.1.2.1 call a request that is not put to anybody.
 */
export type BackchannelError =
  | 'invalid_request'
  | 'invalid_scope'
  | 'unknown_user_id'
  | 'missing_user_code'
  | 'invalid_user_code'
  | 'unmet_authentication_requirements'
  | 'access_denied'
  | 'temporarily_unavailable';

/** A request is not put to the person; the message is for the client. */
export class BackchannelRefusal extends Error {
  override readonly name = 'BackchannelRefusal';
  readonly error: BackchannelError;

  constructor(error: BackchannelError, message: string) {
    super(message);
    this.error = error;
  }
}

/** One validated request of a client, as it is answered with its `auth_req_id`. */
export type ApprovalRequest = Omit<Approval, 'askedAt' | 'expiresAt' | 'decision'> & {
  readonly expiresAt: Date;
};

/** What clients ask of customers who are elsewhere, and what becomes of it. */
export interface ApprovalsService {
  /**
   * The id of the customer that a client means.
   * @throws {BackchannelRefusal} `unknown_user_id`, and after many of these `access_denied` whomever it
   * names, so that nobody finds out who banks here by trying; `temporarily_unavailable` where the bank's
   * systems do not answer in time, or too many of the client's requests wait for them.
   */
  identify(clientId: string, hint: CustomerHint): Promise<string>;
  /** @throws {BackchannelRefusal} where the customer has a code and this is not it. */
  checkUserCode(customerId: string, userCode: string | undefined): Promise<void>;
  /**
   * Puts a request to its customer, as writes for the commit that answers it.
   * @throws {BackchannelRefusal}
   */
  ask(request: ApprovalRequest): Promise<readonly Write[]>;
  /** What waits for a customer and can be told apart, the latest first. */
  waiting(customerId: string): Promise<readonly Stored<Approval>[]>;
  /** The customer's approval; another's looks absent. */
  find(customerId: string, id: string): Promise<Stored<Approval> | undefined>;
  /**
   * A customer's decision, as writes; the first of several holds.
   * @throws {Refusal} `conflict` where it can no longer be decided.
   */
  decide(
    approval: Stored<Approval>,
    client: ClientMetadata,
    outcome: ApprovalDecision['outcome'],
  ): Promise<readonly Write[]>;
}

interface ApprovalsDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly ledger: BankLedger;
  readonly intentService: IntentService;
  /** Longest wait for the bank's systems to say who somebody is (milliseconds). */
  readonly patience?: number;
}

/** People a client may name that the bank does not know, in a quarter of an hour. */
const mostUnknown = 50;
/**
 * Lookups of one client under way in a process. Whoever is known to the bank costs a client nothing, so
 * these are what a burst may find out beyond `mostUnknown`.
 */
const mostAtOnce = 10;
const mostLookupsWaiting = 100;
const mostUserCodes = 5;
/** Requests of one client that wait for one customer: what is more only wears the person down. */
const mostWaiting = 30;
/** How long an approval is kept after its end (milliseconds), for whoever comes too late. */
const kept = 86_400_000;

/** See {@link ApprovalsService}. */
export function createApprovals(deps: ApprovalsDeps): ApprovalsService {
  const { storage, clock, ledger, intentService, patience = 5_000 } = deps;
  const lookups = createTurns({
    mostAtOnce,
    mostWaiting: mostLookupsWaiting,
    whenFull: () =>
      new BackchannelRefusal(
        'temporarily_unavailable',
        'too many of your requests wait to be looked at; try again later',
      ),
  });

  /** Whoever never answers must not keep the turns of a client. */
  async function lookUp(hint: CustomerHint): Promise<BankCustomer | undefined> {
    const given = new AbortController();
    const isLate = async () => {
      await wait(patience, undefined, { signal: given.signal });
      const message = 'the bank cannot say who this is right now; try again later';
      throw new BackchannelRefusal('temporarily_unavailable', message);
    };
    try {
      return await Promise.race([ledger.identify(hint), isLate()]);
    } finally {
      given.abort();
    }
  }

  async function allWaiting(customerId: string): Promise<readonly Stored<Approval>[]> {
    const { records } = await storage.find(approvals, {
      index: 'waiting',
      from: waitingIndexValue(customerId, new Date(clock.now() + 1).toISOString()),
      to: waitingIndexValue(customerId, '~'),
      limit: 1000,
    });
    return records;
  }

  async function assertIntent({ clientId, customerId, scopes, intentId }: ApprovalRequest) {
    if (intentId === undefined) return;
    if (!scopes.includes('accounts')) {
      throw new BackchannelRefusal('invalid_scope', 'an intent needs scope accounts');
    }
    const intent = await intentService.find(clientId, intentId);
    if (!intent || !isIntentAuthorisable(intent, clock.now()) || !belongsTo(intent, customerId)) {
      throw new BackchannelRefusal(
        'invalid_request',
        'openbanking_intent_id does not name a consent that this person can authorise',
      );
    }
  }

  return {
    async identify(clientId, hint) {
      const limit = { key: `unknown-hints:${clientId}`, most: mostUnknown };
      const tooMany = new BackchannelRefusal(
        'access_denied',
        'too many requests named people who are not known here; try again later',
      );
      return lookups.take(clientId, async () => {
        if (!(await hasAttempt(storage, limit))) throw tooMany;
        const customer = await lookUp(hint);
        if (customer) return customer.id;
        if (!(await spendAttempt(deps, [limit], persistent))) throw tooMany;
        throw new BackchannelRefusal('unknown_user_id', 'the hint names nobody who is known here');
      });
    },

    async checkUserCode(customerId, userCode) {
      const wrong = new BackchannelRefusal('invalid_user_code', 'the user_code is wrong');
      const key = `user-code:${customerId}`;
      if (userCode !== undefined && !(await spendAttempt(deps, [{ key, most: mostUserCodes }]))) {
        throw wrong;
      }
      const found = await ledger.checkUserCode?.(customerId, userCode);
      if (found === 'wrong') throw wrong;
      if (found === 'missing') {
        throw new BackchannelRefusal('missing_user_code', 'this person has to give a user_code');
      }
      if (userCode !== undefined) await storage.commit([restoreAttempts(key)]);
    },

    async ask({ expiresAt, ...request }) {
      const { clientId, customerId, contexts } = request;
      if (contexts?.length === 0) {
        const message = 'this bank does not offer what acr asks for';
        throw new BackchannelRefusal('unmet_authentication_requirements', message);
      }
      await assertIntent({ expiresAt, ...request });
      const waiting = await allWaiting(customerId);
      if (waiting.filter(({ value }) => value.clientId === clientId).length >= mostWaiting) {
        throw new BackchannelRefusal('access_denied', 'too many requests wait for this person');
      }
      const approval: Approval = {
        ...request,
        askedAt: new Date(clock.now()).toISOString(),
        expiresAt: expiresAt.toISOString(),
      };
      const forgotten = new Date(expiresAt.getTime() + kept);
      return [insert(approvals, approvalIdOf(request.authReqId), approval, forgotten)];
    },

    waiting: async (customerId) => distinguishable(await allWaiting(customerId)),

    async find(customerId, id) {
      const stored = await storage.get(approvals, id);
      return stored?.value.customerId === customerId ? stored : undefined;
    },

    async decide(stored, client, outcome) {
      const now = clock.now();
      const { customerId } = stored.value;
      const waiting = distinguishable(await allWaiting(customerId));
      const isOpen = stateOf(stored.value, now) === 'waiting';
      if (!isOpen || !waiting.some(({ id }) => id === stored.id)) {
        throw new Refusal('conflict', 'This request can no longer be decided.');
      }
      const decision = { outcome, at: new Date(now).toISOString() };
      return [
        update(approvals, stored, { ...stored.value, decision }),
        ...schedulePing(stored, client, new Date(now)),
      ];
    },
  };
}
