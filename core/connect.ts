import type { ClientMetadata } from './clients.js';
import type { Clock } from './clock.js';
import { connections } from './connection.js';
import type { ConnectionRequest, NewConnectionRequest } from './connection-request.js';
import { consents } from './consent.js';
import { type ExtensionDeps, extendConsent } from './extend-consent.js';
import type { CredentialField, Institution, InstitutionDirectory } from './institution.js';
import { type Journey, journeys } from './journey.js';
import { endVisit, leaveVisitAt } from './leave-visit.js';
import { createLoginBudget } from './login-budget.js';
import { planConnection } from './new-connection.js';
import {
  findRenewal,
  noReconsent,
  planRenewal,
  type Renewal,
  type RenewalPolicy,
} from './plan-renewal.js';
import { Refusal } from './refusal.js';
import { retryConflict } from './retry-conflict.js';
import {
  insert,
  type Storage,
  StorageConflict,
  type Stored,
  update,
  type Write,
} from './storage.js';
import { users } from './user.js';
import { isReconsentable } from './validity.js';
import type { Visit, VisitPlan } from './visit.js';
import {
  type AnswerArrival,
  type Arrival,
  type BankVisits,
  type VisitResult,
  visitOver,
} from './visit-bank.js';

/** A journey with its place in storage. */
export type StoredJourney = Stored<Journey>;

/** A client's request, checked against what there is. */
export type CheckedRequest = NewConnectionRequest | Renewal;

/** From a client's request to its answer: what happens at each step, whatever shows it. */
export interface Connect {
  /**
   * What the request asks for, where the client may have it.
   * @throws {Refusal} `invalid_claims` where `sub` is no user of this client, or `mh:con_id` no
   * connection of theirs that can be renewed so; `invalid_scope` for a bank that is not offered.
   */
  check(
    request: ConnectionRequest,
    client: ClientMetadata,
    policy: RenewalPolicy,
  ): Promise<CheckedRequest>;
  /** The journey of an interaction, made where it is new. `uid` is the interaction's. */
  open(
    uid: string,
    request: CheckedRequest,
    client: ClientMetadata,
    end: Date,
  ): Promise<StoredJourney>;
  /** The banks a request's chooser offers; empty where it names one bank. */
  offered(request: CheckedRequest): readonly Institution[];
  /** @throws {Refusal} `not_found` for a bank that is not offered. */
  choose(journey: StoredJourney, institutionId: string, request: CheckedRequest): Promise<void>;
  agree(journey: StoredJourney): Promise<void>;
  /**
   * Prepares the visit, and with it the consent that it is for.
   * @returns the bank's address for the person's browser, or the visit that asks here.
   * @throws {InstitutionError} where the bank cannot be reached; nothing is left at the bank then.
   */
  depart(
    journey: StoredJourney,
    request: CheckedRequest,
  ): Promise<{ readonly redirectTo: string } | { readonly asking: Visit }>;
  /** Takes the bank's callback, see {@link BankVisits.arrive}. */
  arrive(journey: StoredJourney, callback: URLSearchParams): Promise<Arrival>;
  /**
   * Takes an answer to what a visit asks, see {@link BankVisits.answer}; further questions are kept.
   * How often somebody's answers may be wrong is bounded here, whatever the bank does.
   */
  answer(journey: StoredJourney, answers: Readonly<Record<string, string>>): Promise<AnswerArrival>;
  /**
   * Extends the consent, without a bank; `commit` as of {@link Arrival}.
   * @throws {StorageConflict} where the journey was finished elsewhere.
   * @throws {Refusal} `invalid_claims` where the bank has lost the person meanwhile.
   */
  extend(
    journey: StoredJourney,
    renewal: Renewal,
    commit: (result: VisitResult) => Promise<void>,
  ): Promise<void>;
  /** Gives the journey up: the consent is rejected and the bank's intent withdrawn. */
  leave(journey: StoredJourney): Promise<readonly Write[]>;
}

interface ConnectDeps extends ExtensionDeps {
  readonly storage: Storage;
  readonly directory: InstitutionDirectory;
  readonly clock: Clock;
  readonly visits: BankVisits;
}

/** See {@link Connect}. */
export function createConnect(deps: ConnectDeps): Connect {
  const { storage, directory, clock, visits } = deps;
  const budget = createLoginBudget({ storage, clock });

  function offered(request: CheckedRequest): readonly Institution[] {
    if (request.purpose !== 'connect' || !('chooser' in request.institution)) return [];
    const { chooser } = request.institution;
    return directory.all.filter(({ kind }) => chooser === 'all' || kind === chooser);
  }

  async function assertSubject(subject: string, { client_id }: ClientMetadata): Promise<void> {
    const user = await storage.get(users, subject);
    if (user?.value.clientId !== client_id) {
      throw new Refusal('invalid_claims', 'sub is not a user of this client');
    }
  }

  /** The consent made on an earlier departure is the one to leave with again, to the same bank. */
  async function planNew(journey: Journey, request: NewConnectionRequest) {
    const institution = directory.find(journey.institutionId ?? '');
    if (!institution) throw new Refusal('not_found', 'This bank is no longer available here.');
    const { visit, clientId } = journey;
    const consent = visit && (await storage.get(consents, visit.consentId));
    if (
      visit?.institutionId === institution.id &&
      consent?.value.status === 'awaiting_authorisation'
    ) {
      return { plan: toPlan(visit), writes: [] };
    }
    const { plan, write } = planConnection(request, institution, { clientId }, clock.now());
    return { plan, writes: [write] };
  }

  async function plan(journey: Journey, request: CheckedRequest) {
    if (request.purpose === 'connect') return planNew(journey, request);
    if (request.purpose === 'reconsent') throw new TypeError('reconsent visits no bank');
    return { plan: planRenewal(request, request.purpose), writes: [] };
  }

  /** Of all who have the journey before them, in any tab and process, one goes on with its visit. */
  async function claim(journey: StoredJourney, visit: Visit): Promise<StoredJourney> {
    const value = { ...journey.value, visit: { ...visit, returned: true } };
    await storage.commit([update(journeys, journey, value)]);
    return { ...journey, value, version: journey.version + 1 };
  }

  /** What the visit gave is kept together with the journey's end, so that one tab alone ends it. */
  function ending(journey: StoredJourney, arrival: Arrival, ...also: readonly Write[]): Arrival {
    if (arrival.outcome === 'refused') {
      return { ...arrival, writes: [...arrival.writes, ...endOfVisit(journey)] };
    }
    return {
      outcome: 'connected',
      keep: (commit) => arrival.keep((result) => commit(endingWith(journey, result, also))),
    };
  }

  return {
    async check(request, client, policy) {
      if (request.subject !== undefined) await assertSubject(request.subject, client);
      if (request.purpose !== 'connect') {
        return findRenewal({ storage, directory }, client.client_id, request, policy);
      }
      if ('id' in request.institution && !directory.find(request.institution.id)) {
        throw new Refusal('invalid_scope', 'id:<bank> does not name a bank of this service');
      }
      return request;
    },

    async open(uid, request, client, end) {
      const stored = await storage.get(journeys, uid);
      if (stored) return stored;
      const journey: Journey = {
        clientId: client.client_id,
        institutionId: institutionOf(request),
        // Reconsent is the page itself: whoever asks for it has it shown.
        agreed: client.own_consent_screens === true && request.purpose !== 'reconsent',
      };
      await storage.commit([insert(journeys, uid, journey, end)]);
      const opened = await storage.get(journeys, uid);
      if (!opened) throw new Refusal('not_found', 'This visit is over.');
      return opened;
    },

    offered,

    async choose(journey, institutionId, request) {
      if (!offered(request).some(({ id }) => id === institutionId)) {
        throw new Refusal('not_found', 'Please choose a bank from the list.');
      }
      await storage.commit([update(journeys, journey, { ...journey.value, institutionId })]);
    },

    async agree(journey) {
      await storage.commit([update(journeys, journey, { ...journey.value, agreed: true })]);
    },

    async depart(journey, request) {
      const { visit: earlier } = journey.value;
      const departure = await plan(journey.value, request);
      const { visit, redirectTo } = await visits.start(departure.plan);
      try {
        const next = { ...journey.value, visit };
        const isReplaced = earlier && earlier.consentId !== visit.consentId;
        await storage.commit([
          update(journeys, journey, next),
          ...departure.writes,
          ...(isReplaced ? await visits.reject(earlier) : []),
          ...(earlier ? [endVisit(earlier)] : []),
          leaveVisitAt(visit, endOf(journey, visit)),
        ]);
      } catch (error) {
        await visits.withdraw(visit);
        throw error;
      }
      if (earlier && !earlier.returned) await visits.withdraw(earlier);
      return redirectTo === undefined ? { asking: visit } : { redirectTo };
    },

    async arrive(journey, callback) {
      const { visit } = journey.value;
      if (!visit) throw visitOver();
      let claimed = journey;
      const arrival = await visits.arrive(visit, callback, async () => {
        claimed = await claim(journey, visit).catch(refuseSecond);
      });
      return ending(claimed, arrival);
    },

    async answer(journey, answers) {
      const { visit } = journey.value;
      if (!visit?.ask || visit.returned) throw visitOver();
      const missing = visit.ask.filter(({ name }) => !isAnswer(answers[name]));
      if (missing.length > 0) {
        const problem = `Enter what is missing: ${missing.map(({ label }) => label).join(', ')}`;
        return { outcome: 'asked', visit: { ...visit, problem } };
      }
      const login = loginOf(visit, visit.ask, answers);
      const counted = countedAs(journey.value, visit, login);
      if (!(await budget.spend(counted, journey.id))) {
        return { outcome: 'asked', visit: { ...visit, problem: tooManyAttempts } };
      }
      let claimed = journey;
      const arrival = await visits.answer(visit, answers, async () => {
        claimed = await claim(journey, visit);
      });
      if (arrival.outcome !== 'asked') return ending(claimed, arrival, budget.restore(counted));
      const asked = { ...arrival.visit, login };
      await storage.commit([
        update(journeys, claimed, { ...claimed.value, visit: asked }),
        leaveVisitAt(asked, endOf(journey, asked)),
      ]);
      return arrival;
    },

    async extend(journey, { connection, consent, terms }, commit) {
      await retryConflict(async () => {
        const [held, given] = await Promise.all([
          storage.get(connections, connection.id),
          storage.get(consents, consent.id),
        ]);
        if (!held || given?.value.status !== 'authorised') throw visitOver();
        // The bank may have lost the person since the page was shown.
        if (!isReconsentable(held.value, given.value, clock.now())) throw noReconsent();
        const stored = { connection: held, consent: given };
        const extension = { expiresAt: new Date(terms.expiresAt), means: 'reconsent' } as const;
        const result = await extendConsent(deps, stored, extension, new Date(clock.now()));
        await commit(endingWith(journey, result));
      });
    },

    async leave(journey) {
      const { visit } = journey.value;
      if (!visit) return [update(journeys, journey, journey.value)];
      let left = journey;
      const writes = await visits.leave(visit, async () => {
        left = await claim(journey, visit);
      });
      return [update(journeys, left, left.value), ...writes, endVisit(visit)];
    },
  };
}

function institutionOf(request: CheckedRequest): string | undefined {
  if (request.purpose !== 'connect') return request.connection.value.institutionId;
  return 'id' in request.institution ? request.institution.id : undefined;
}

function toPlan({ purpose, institutionId, connectionId, consentId, terms }: VisitPlan): VisitPlan {
  return { purpose, institutionId, connectionId, consentId, terms };
}

/** The bank's answer came twice at one moment: one is used, and the other leads nowhere. */
function refuseSecond(error: unknown): never {
  throw error instanceof StorageConflict ? visitOver() : error;
}

function endingWith(
  journey: StoredJourney,
  result: VisitResult,
  also: readonly Write[] = [],
): VisitResult {
  // First, so that a journey ended elsewhere stops the list on every engine.
  const ending = update(journeys, journey, journey.value);
  return { ...result, writes: [ending, ...result.writes, ...endOfVisit(journey), ...also] };
}

function endOfVisit({ value: { visit } }: StoredJourney): readonly Write[] {
  return visit ? [endVisit(visit)] : [];
}

/** When the person can come back no more. */
function endOf({ expiresAt }: StoredJourney, { terms }: Visit): Date {
  return expiresAt ?? new Date(terms.expiresAt);
}

const tooManyAttempts = 'Too many attempts. Wait a few minutes, then try again.';

function isAnswer(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== '' && text.length <= 200;
}

/**
 * What wrong answers are counted for: a user name, at each client by itself; in a renewal, which its
 * own person alone can begin, the connection. So nobody is kept out by who types their name elsewhere.
 */
function countedAs({ clientId }: Journey, visit: Visit, login: string | undefined): string {
  const { purpose, institutionId, connectionId } = visit;
  const name = purpose === 'connect' ? login?.trim() : undefined;
  return [clientId, institutionId, name ?? connectionId].join(' ');
}

/** Who signs in: as typed now, or earlier in the visit. */
function loginOf(
  { login }: Visit,
  ask: readonly CredentialField[],
  answers: Readonly<Record<string, string>>,
): string | undefined {
  const field = ask.find(({ autocomplete }) => autocomplete === 'username');
  return field ? answers[field.name] : login;
}
