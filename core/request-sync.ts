import type { AccessTokenFacts } from './access-token.js';
import type { BankBudget, BudgetState } from './bank-budget.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import { isLive } from './consent.js';
import type { PresentCustomer } from './institution.js';
import { findSyncUnderWay, orderSync } from './order-sync.js';
import { loadOwnConnection } from './own-connection.js';
import { Refusal } from './refusal.js';
import { retryConflict } from './retry-conflict.js';
import { type Collection, insert, type Storage, type Write } from './storage.js';
import type { Sync } from './sync.js';
import type { SyncWatch } from './sync-watch.js';
import { validityOf } from './validity.js';

/** When a client last ordered a sync of a connection, for as long as it may not order another. */
export const syncRequests: Collection<{ readonly until: string }> = {
  name: 'sync_request',
  indexes: [],
  indexValues: () => ({}),
};

export interface SyncRequest {
  readonly connectionId: string;
  readonly customer?: PresentCustomer | undefined;
  /** False where the client waits for the end, for at most 20 seconds. */
  readonly isAsync: boolean;
  /** More writes for the commit that orders or joins a sync. */
  readonly remember?: ((syncId: string) => readonly Write[]) | undefined;
}

/** What a request for a sync came to. */
export type RequestedSync = { readonly budget: BudgetState } & (
  | { readonly sync: Pick<Sync, 'id' | 'fetchStatus'> }
  /** `reason` is one plain sentence for the client. */
  | { readonly refused: { readonly reason: string; readonly retryAfterSeconds: number } }
);

/**
 * Orders a sync of a connection of the token's person, or joins the one that is under way.
 * @throws {Refusal} `forbidden` where the token speaks for nobody, `not_found`, `conflict` where the
 * consent is over.
 */
export type RequestSync = (token: AccessTokenFacts, request: SyncRequest) => Promise<RequestedSync>;

interface RequestSyncDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly budget: BankBudget;
  readonly watch: Pick<SyncWatch, 'until'>;
}

/** Between two that are ordered for one connection, at least (milliseconds; identity-service.md §1.10). */
const pause = 5_000;
const patienceSeconds = 20;

/** See {@link RequestSync}. */
export function createRequestSync(deps: RequestSyncDeps): RequestSync {
  const { storage, clock, budget, watch } = deps;

  async function load({ clientId, subject, grantId }: AccessTokenFacts, connectionId: string) {
    if (subject === undefined) {
      throw new Refusal('forbidden', 'The access token names no person whose data to fetch');
    }
    const held = await loadOwnConnection(storage, clientId, subject, connectionId);
    const [connection, consent] = [held.connection.value, held.consent.value];
    // A token from a code opens what that code was given for, and nothing else of the person.
    if (grantId !== undefined && grantId !== consent.id) {
      throw new Refusal('not_found', 'There is no such connection');
    }
    if (isLive(consent, clock.now())) return connection;
    const { next } = validityOf(connection, consent, clock.now());
    throw new Refusal('conflict', `The consent for this connection is over: ${remedies[next]}`);
  }

  async function refuseTooSoon(connectionId: string) {
    const last = await storage.get(syncRequests, connectionId);
    if (!last) return undefined;
    const reason = 'A connection can be synchronised once in 5 seconds';
    return { reason, retryAfterSeconds: secondsUntil(new Date(last.value.until)) };
  }

  async function order(connection: Connection, { customer, remember = () => [] }: SyncRequest) {
    const { id } = connection;
    const at = new Date(clock.now());
    // Looked at first: whoever sees that another was ordered sees its sync, which was stored with it.
    const refused = await refuseTooSoon(id);
    // Joining costs the bank nothing, so it is never too soon.
    const underWay = await findSyncUnderWay(storage, id, at);
    if (underWay) {
      const { sync, writes } = underWay;
      await storage.commit([...remember(sync.id), ...writes]);
      return { sync, budget: await budget.read(connection) };
    }
    if (refused) return { refused, budget: await budget.read(connection) };
    const { state, write } = customer
      ? { state: await budget.read(connection) }
      : await budget.spend(connection);
    if (!customer && !write) return { refused: noBudget(state), budget: state };
    const wish = { action: 'client-update', method: 'UPDATE', customer } as const;
    const { syncId, writes } = orderSync(connection, wish, at);
    await storage.commit([...remember(syncId), claim(id), ...(write ? [write] : []), ...writes]);
    return { sync: { id: syncId }, budget: state };
  }

  function claim(connectionId: string): Write {
    const until = new Date(clock.now() + pause);
    return insert(syncRequests, connectionId, { until: until.toISOString() }, until);
  }

  function noBudget({ resetsAt }: BudgetState) {
    const reason =
      'The bank takes no more syncs of this connection for now unless the person is present: send customerIpAddress then';
    return { reason, retryAfterSeconds: secondsUntil(resetsAt ?? new Date(clock.now())) };
  }

  function secondsUntil(time: Date): number {
    return Math.max(1, Math.ceil((time.getTime() - clock.now()) / 1000));
  }

  return async function requestSync(token, request) {
    const connection = await load(token, request.connectionId);
    const requested = await retryConflict(() => order(connection, request));
    if (request.isAsync || !('sync' in requested)) return requested;
    const { id } = requested.sync;
    const ended = await watch.until(id, 'end', patienceSeconds);
    return { ...requested, sync: { id, fetchStatus: ended?.fetchStatus } };
  };
}

const remedies = {
  none: 'the person must consent again',
  reconsent: 'extend it by reconsent and then try again',
  reauth: 'the person must authenticate at the bank again by reauth',
  refresh: 'the person must refresh it',
};
