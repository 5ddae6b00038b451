import { randomBytes } from 'node:crypto';
import { type Connection, connections } from './connection.js';
import type { Consent } from './consent.js';
import {
  type AnswerOutcome,
  type ConnectorState,
  type ConsentTerms,
  type InstitutionDirectory,
  InstitutionError,
  type VisitOutcome,
} from './institution.js';
import type { Logger } from './logger.js';
import { retryConflict } from './retry-conflict.js';
import type { Storage, Write } from './storage.js';
import type { LeftVisit, Visit, VisitPlan } from './visit.js';
import type { Withdrawals } from './withdrawals.js';

/** A visit that begins: at the bank's page, or with a form on ours (`visit.ask`). */
export interface StartedVisit {
  /** To be stored by the caller, who finds it again by {@link visitIndex} of its `state`. */
  readonly visit: Visit;
  readonly redirectTo?: string | undefined;
}

/** What a visit gave, for the commit that keeps it. */
export interface VisitResult {
  readonly consent: Consent;
  readonly connection: Connection;
  readonly writes: readonly Write[];
  /** The order, among the writes, to withdraw at the bank what this replaces. */
  readonly withdrawal?: string | undefined;
}

/** How a visit ended. */
export type Arrival =
  | {
      readonly outcome: 'connected';
      /**
       * Keeps what the visit gave: `commit` commits the result's writes together with the caller's own,
       * and is called again where another commit came between. What cannot be kept is withdrawn at
       * the bank. @throws what `commit` throws; {@link InstitutionError} where it is wanted no more.
       */
      keep(commit: (result: VisitResult) => Promise<void>): Promise<void>;
    }
  | { readonly outcome: 'refused'; readonly reason: string; readonly writes: readonly Write[] };

/** How an answer ended: as a visit, or with more to answer in the visit as it is then. */
export type AnswerArrival = Arrival | { readonly outcome: 'asked'; readonly visit: Visit };

/** The outcome of a visit in which the bank said yes. */
export type Authorised = Extract<VisitOutcome, { outcome: 'authorised' }>;

/** What a visit of one purpose comes to: a new connection, or the renewal of one. */
export interface VisitHandler {
  /** @throws {InstitutionError} `invalid_callback` where its end would change nothing any more. */
  assertOpen(visit: Visit): Promise<void>;
  /** @returns the yes to go on with, or why it is none to us: one plain sentence for the client. */
  check(visit: Visit, yes: Authorised): Promise<Authorised | { readonly objection: string }>;
  /** What changes here with the yes. @throws {InstitutionError} as {@link assertOpen}. */
  authorise(visit: Visit, yes: Authorised): Promise<VisitResult>;
  /** What changes here with a no. */
  reject(visit: LeftVisit): Promise<readonly Write[]>;
}

/** Visits to banks, whoever sends the person there and keeps the visit meanwhile. */
export interface BankVisits {
  /**
   * Registers the intent and prepares the visit.
   * @throws {InstitutionError} where the bank cannot be reached; nothing is left at the bank then.
   */
  start(plan: VisitPlan): Promise<StartedVisit>;
  /**
   * Takes the bank's callback, checks it and exchanges its code. The visit is over then, whatever
   * comes of it.
   * @param claim commits that the visit returned, conditionally: it is done before the bank's code is
   * used, because a second use makes a bank revoke what the first one gave.
   * @throws {InstitutionError} having withdrawn what it may have left at the bank.
   */
  arrive(visit: Visit, callback: URLSearchParams, claim: () => Promise<void>): Promise<Arrival>;
  /** As {@link arrive}, with what the person typed, by field name, for a visit that asks. */
  answer(
    visit: Visit,
    answers: Readonly<Record<string, string>>,
    claim: () => Promise<void>,
  ): Promise<AnswerArrival>;
  /** Gives a visit up, unless it returns at this moment; the writes are what that changes here. */
  leave(visit: Visit, claim: () => Promise<void>): Promise<readonly Write[]>;
  /** What is left to change here by a visit that leads nowhere any more. */
  reject(visit: LeftVisit): Promise<readonly Write[]>;
  /** Withdraws at the bank what a visit may have left there. The person does not wait for that. */
  withdraw(visit: LeftVisit): Promise<void>;
}

interface BankVisitsDeps {
  readonly storage: Storage;
  readonly directory: InstitutionDirectory;
  readonly withdrawals: Pick<Withdrawals, 'order' | 'carryOut'>;
  readonly logger: Logger;
  /** Where banks send people back to. */
  readonly redirectUri: string;
  readonly handlers: Readonly<Record<VisitPlan['purpose'], VisitHandler>>;
}

/** See {@link BankVisits}. */
export function createBankVisits(deps: BankVisitsDeps): BankVisits {
  const { storage, directory, withdrawals, logger, redirectUri, handlers } = deps;

  async function withdraw(visit: LeftVisit, authorization: ConnectorState = visit.attempt) {
    const { connectionId, institutionId, terms } = visit;
    const held = { id: connectionId, institutionId, authorization };
    const order = withdrawals.order(held, new Date(terms.expiresAt));
    try {
      await storage.commit([order.write]);
      void withdrawals.carryOut(order.id);
    } catch (cause) {
      logger.warn({ institutionId, cause }, 'intent not withdrawn');
    }
  }

  async function renewed({ purpose, connectionId }: VisitPlan) {
    if (purpose === 'connect') return {};
    const connection = await storage.get(connections, connectionId);
    if (!connection) throw visitOver();
    return { renews: { by: purpose, authorization: connection.value.authorization } };
  }

  async function refuse(visit: Visit, reason: string, left?: ConnectorState): Promise<Arrival> {
    await withdraw(visit, left);
    return { outcome: 'refused', reason, writes: await handlers[visit.purpose].reject(visit) };
  }

  async function settle(visit: Visit, outcome: VisitOutcome): Promise<Arrival> {
    const handler = handlers[visit.purpose];
    if (outcome.outcome === 'refused') return refuse(visit, outcome.reason);
    const yes = await handler.check(visit, outcome);
    if ('objection' in yes) {
      const { institutionId, connectionId } = visit;
      logger.warn({ institutionId, connectionId }, yes.objection);
      return refuse(visit, yes.objection, outcome.authorization);
    }
    return {
      outcome: 'connected',
      async keep(commit) {
        try {
          const result = await retryConflict(async () => {
            const authorised = await handler.authorise(visit, yes);
            await commit(authorised);
            return authorised;
          });
          if (result.withdrawal !== undefined) void withdrawals.carryOut(result.withdrawal);
        } catch (error) {
          // E.g. the person was deleted while the bank was asked: nobody holds what it gave.
          await withdraw(visit, yes.authorization);
          throw error;
        }
      },
    };
  }

  /** Asks the bank once, for the one caller whose claim holds. */
  async function once<Result>(
    visit: Visit,
    claim: () => Promise<void>,
    ask: () => Promise<Result>,
  ): Promise<Result> {
    if (visit.returned) throw visitOver();
    await handlers[visit.purpose].assertOpen(visit);
    await claim();
    try {
      return await ask();
    } catch (error) {
      // The bank may have authorised what we cannot use: its answer was lost, or unreadable.
      await withdraw(visit);
      throw error;
    }
  }

  return {
    async start(plan) {
      const state = randomBytes(32).toString('base64url');
      const start = await directory.connector(plan.institutionId).begin({
        terms: toBankTerms(plan),
        state,
        redirectUri,
        ...(await renewed(plan)),
      });
      const visit = { ...plan, state, attempt: start.attempt, returned: false };
      return 'ask' in start
        ? { visit: { ...visit, ask: start.ask } }
        : { visit, redirectTo: start.redirectTo };
    },

    arrive: (visit, callback, claim) =>
      once(visit, claim, async () => {
        const { attempt, institutionId } = visit;
        const connector = directory.connector(institutionId);
        return settle(visit, await connector.complete({ attempt, callback, redirectUri }));
      }),

    answer: (visit, answers, claim) =>
      once(visit, claim, async () => {
        const connector = directory.connector(visit.institutionId);
        const outcome: AnswerOutcome | undefined = await connector.answer?.({
          attempt: visit.attempt,
          answers,
        });
        if (!outcome || !visit.ask) throw visitOver();
        if (outcome.outcome !== 'asked') return settle(visit, outcome);
        const { attempt, ask, problem } = outcome;
        return { outcome: 'asked', visit: { ...visit, attempt, ask, problem } };
      }),

    async leave(visit, claim) {
      if (!visit.returned) {
        await claim();
        await withdraw(visit);
      }
      return handlers[visit.purpose].reject(visit);
    },

    reject: (visit) => handlers[visit.purpose].reject(visit),

    withdraw: (visit) => withdraw(visit),
  };
}

/** The visit has ended, or what it was for has. */
export function visitOver(): InstitutionError {
  return new InstitutionError('invalid_callback', 'This visit to your bank is already over.');
}

/** What the client may extend by reconsent has no end at the bank, so that nobody has to go there. */
function toBankTerms({ terms }: VisitPlan): ConsentTerms {
  const { permissions, transactionFrom, expiresAt, tppConsent } = terms;
  return {
    permissions,
    transactionFrom: transactionFrom === undefined ? undefined : new Date(transactionFrom),
    expiresAt: tppConsent ? undefined : new Date(expiresAt),
  };
}
