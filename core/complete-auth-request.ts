import {
  type AuthParams,
  assertAnswer,
  fingerprint,
  fingerprintOf,
  isFromBank,
  toCallback,
} from './auth-params.js';
import {
  type AuthRequest,
  authRequests,
  endAuthRequest,
  readAuthRequest,
  tooLate,
} from './auth-request.js';
import type { Clock } from './clock.js';
import { type InstitutionDirectory, InstitutionError } from './institution.js';
import { handleJob, type JobHandler, unschedule } from './job.js';
import type { Logger } from './logger.js';
import { Refusal } from './refusal.js';
import { type Storage, StorageConflict, type Stored, update, type Write } from './storage.js';
import { findLatestSync } from './sync.js';
import type { SyncWatch } from './sync-watch.js';
import { type Visit, visitIndex } from './visit.js';
import type { Arrival, BankVisits } from './visit-bank.js';

/** The ways in which an auth request ends. */
export interface AuthRequestEnds {
  /**
   * Completes it with what the bank said: exchanges the code, and makes or renews the connection. The
   * same again is answered alike. `under-way` while it is being done by somebody.
   * @throws {Refusal} `not_found`; `invalid_request` where it is not the bank's answer to this visit,
   * and `conflict` after another completion or its end: nothing is changed then.
   */
  complete(
    clientId: string,
    id: string,
    params: AuthParams,
    remember?: Remember,
  ): Promise<AuthRequest | 'under-way'>;
  /**
   * Where our callback sends the person on to: to the client, with the query as it came. Undefined
   * for a state that belongs to none.
   */
  land(query: URLSearchParams, querystring: string): Promise<string | undefined>;
  /** Ends those for which nobody came, here and at the bank. */
  readonly handler: JobHandler;
}

/** More writes for the commit that ends it. */
type Remember = (ended: AuthRequest) => readonly Write[];

interface AuthRequestEndsDeps {
  readonly storage: Storage;
  readonly directory: Pick<InstitutionDirectory, 'find' | 'connector'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly visits: BankVisits;
  readonly watch: Pick<SyncWatch, 'until'>;
}

/** A completion that has taken longer will never be heard of again: its process is gone (milliseconds). */
const longestCompletion = 120_000;
/** What the client waits for the first data: well under the 60 s of the published client. */
const patienceSeconds = 20;

/** See {@link AuthRequestEnds}. */
export function createAuthRequestEnds(deps: AuthRequestEndsDeps): AuthRequestEnds {
  const { storage, directory, clock, logger, visits, watch } = deps;

  const issuerOf = ({ bankId }: AuthRequest) =>
    directory.find(bankId) && directory.connector(bankId).issuer;

  async function load(clientId: string, id: string): Promise<Stored<AuthRequest>> {
    const stored = await storage.get(authRequests, id);
    if (stored?.value.clientId === clientId) return stored;
    throw new Refusal('not_found', 'There is no such auth request');
  }

  const isStale = ({ at }: { readonly at: string }) =>
    clock.now() - Date.parse(at) > longestCompletion;

  /** Of all who end it, one goes on with it. */
  async function claim(stored: Stored<AuthRequest>, visit: Visit, fingerprint?: string) {
    const at = new Date(clock.now()).toISOString();
    const value = {
      ...stored.value,
      visit: { ...visit, returned: true },
      ...(fingerprint !== undefined && { completion: { fingerprint, at } }),
    };
    await storage.commit([update(authRequests, stored, value)]);
    return { ...stored, value, version: stored.version + 1 };
  }

  async function end(
    held: Stored<AuthRequest>,
    outcome: Outcome,
    writes: readonly Write[],
    remember: Remember,
  ): Promise<AuthRequest> {
    const { ended, write } = toEnd(held, outcome);
    // What decides comes first: whoever lost the request or its key changes nothing on any engine.
    await storage.commit([
      ...remember(ended),
      write,
      ...writes,
      unschedule(endAuthRequest, held.id),
    ]);
    return ended;
  }

  async function keep(
    held: Stored<AuthRequest>,
    arrival: Extract<Arrival, { outcome: 'connected' }>,
    remember: Remember,
  ): Promise<AuthRequest> {
    let completed = held.value;
    await arrival.keep(async ({ consent: { userId }, connection: { id }, writes }) => {
      const outcome = { status: 'complete', userId, connectionId: id } as const;
      completed = await end(held, outcome, writes, remember);
    });
    return completed;
  }

  /** Unless the client follows the first fetch itself, its answer comes with the first data. */
  async function awaitData({ isAsync, connectionId }: AuthRequest): Promise<void> {
    if (isAsync || connectionId === undefined) return;
    try {
      const sync = await findLatestSync(storage, connectionId);
      if (sync) await watch.until(sync.id, 'first-part', patienceSeconds);
    } catch (cause) {
      // It is complete already: a fault of the store here must not deny it.
      logger.warn({ connectionId, cause }, 'first data not waited for');
    }
  }

  /** The bank is asked once; whatever comes of it is the end. */
  async function settle(
    stored: Stored<AuthRequest>,
    visit: Visit,
    params: AuthParams,
    remember: Remember,
  ): Promise<AuthRequest> {
    let held = stored;
    try {
      const arrival = await visits.arrive(visit, toCallback(params, stored.value), async () => {
        held = await claim(stored, visit, fingerprintOf(params));
      });
      if (arrival.outcome === 'connected') return await keep(held, arrival, remember);
      const { reason, writes } = arrival;
      return await end(held, { status: 'error', reason }, writes, remember);
    } catch (error) {
      const isBanks = error instanceof InstitutionError;
      const isLost = error instanceof StorageConflict && held !== stored;
      if (!isBanks && !isLost) throw error;
      logger.warn({ authRequestId: stored.id, cause: error }, 'auth request came to nothing');
      if (held === stored) {
        // What it was for is over already, e.g. the person was deleted: the bank was not asked.
        held = await claim(stored, visit, fingerprintOf(params));
        await visits.withdraw(visit);
      }
      const reason = isBanks ? error.message : interrupted;
      return end(held, { status: 'error', reason }, await visits.reject(visit), remember);
    }
  }

  /** It was never completed, or by a process that is gone: nobody holds what the bank may have given. */
  async function giveUp(stored: Stored<AuthRequest>, visit: Visit) {
    const held = visit.returned ? stored : await claim(stored, visit);
    await visits.withdraw(visit);
    const reason = visit.returned ? interrupted : tooLate;
    return {
      held,
      outcome: { status: 'error', reason } as const,
      writes: await visits.reject(visit),
    };
  }

  return {
    async complete(clientId, id, params, remember = () => []) {
      const stored = await load(clientId, id);
      const { stateIndex, completion, visit } = stored.value;
      assertAnswer(params, stateIndex);
      if (completion && completion.fingerprint !== fingerprintOf(params)) {
        throw new Refusal('conflict', 'It was completed with another answer before');
      }
      if (!completion) return completeFirst(stored, params, remember);
      if (visit && !isStale(completion)) return 'under-way';
      if (visit) {
        const { held, outcome, writes } = await giveUp(stored, visit);
        return end(held, outcome, writes, remember);
      }
      const writes = remember(stored.value);
      if (writes.length > 0) await storage.commit(writes);
      return stored.value;
    },

    async land(query, querystring) {
      const equals = visitIndex(query.get('state') ?? '');
      const found = await storage.find(authRequests, { index: 'state', equals, limit: 1 });
      const [stored] = found.records;
      if (!stored) return undefined;
      const { visit, landed: earlier } = stored.value;
      const [answer, iss] = [query.get('code') ?? query.get('error'), query.get('iss')];
      const isOpen = visit?.returned === false && !earlier;
      // The first counts: whoever learns of the state later can neither replace it nor get in the way.
      if (isOpen && answer && iss && isFromBank(iss, issuerOf(stored.value))) {
        const landed = { answer: fingerprint(answer), iss: iss.slice(0, 2000) };
        await noteLanding(stored, landed);
      }
      const { redirectUri } = stored.value;
      return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${querystring}`;
    },

    handler: handleJob(endAuthRequest, async (_none, { key }) => {
      const stored = await storage.get(authRequests, key);
      const { visit, completion } = stored?.value ?? {};
      if (!stored || !visit) return { writes: [] };
      if (completion && !isStale(completion)) {
        return { writes: [], again: { due: new Date(clock.now() + longestCompletion) } };
      }
      const { held, outcome, writes } = await giveUp(stored, visit);
      return { writes: [...writes, toEnd(held, outcome).write] };
    }),
  };

  async function completeFirst(
    stored: Stored<AuthRequest>,
    params: AuthParams,
    remember: Remember,
  ): Promise<AuthRequest | 'under-way'> {
    const { visit } = stored.value;
    if (!visit || readAuthRequest(stored.value, clock.now()).status !== 'pending') {
      throw new Refusal('conflict', 'It has expired: the person must begin again');
    }
    if (!isFromBank(params.iss, issuerOf(stored.value))) {
      throw new Refusal('invalid_request', 'authParams.iss is not the issuer of this bank');
    }
    let completed: AuthRequest;
    try {
      completed = await settle(stored, visit, params, remember);
    } catch (error) {
      if (!(error instanceof StorageConflict)) throw error;
      const current = await load(stored.value.clientId, stored.id);
      const isTaken = current.value.completion || current.value.visit?.returned !== false;
      // Else the callback came to us at this moment, which it does once.
      return isTaken ? 'under-way' : completeFirst(current, params, remember);
    }
    await awaitData(completed);
    return completed;
  }

  /** The person goes on either way; without it, the client has to hand on `iss` itself. */
  async function noteLanding(stored: Stored<AuthRequest>, landed: AuthRequest['landed']) {
    try {
      await storage.commit([update(authRequests, stored, { ...stored.value, landed })]);
    } catch (error) {
      if (!(error instanceof StorageConflict)) throw error;
    }
  }
}

const interrupted = 'Its completion was interrupted: the person must begin again';

type Outcome = Pick<AuthRequest, 'status' | 'userId' | 'connectionId' | 'reason'>;

function toEnd(held: Stored<AuthRequest>, outcome: Outcome) {
  const { visit: _over, ...rest } = held.value;
  const ended: AuthRequest = { ...rest, ...outcome };
  return { ended, write: update(authRequests, held, ended) };
}
