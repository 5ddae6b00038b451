import type { AutomaticSyncs } from './automatic-syncs.js';
import type { BankBudget } from './bank-budget.js';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import { type Consent, consents, isLive } from './consent.js';
import { report } from './event.js';
import { createConnectionFetch, type Fetched } from './fetch-connection.js';
import { type InstitutionDirectory, InstitutionError } from './institution.js';
import { handleJob, type JobHandler, type JobOutcome, readJob, schedule } from './job.js';
import type { Logger } from './logger.js';
import { type SyncOrder, syncConnection } from './order-sync.js';
import { put, type Storage, type Write } from './storage.js';
import { findLatestSync, isUnderWay, type Sync, syncs } from './sync.js';
import { isLost } from './sync-health.js';
import { type SyncTurn, TurnLost, takeTurn } from './sync-turn.js';
import type { SyncWatch } from './sync-watch.js';
import { validityOf } from './validity.js';

interface SynchroniserDeps {
  readonly storage: Storage;
  readonly directory: InstitutionDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly budget: Pick<BankBudget, 'block'>;
  readonly automatic: Pick<AutomaticSyncs, 'planNext'>;
  readonly watch: Pick<SyncWatch, 'tell'>;
  /** For the first part of a connection's first fetch: its client waits for about that long. */
  readonly firstFetchSeconds?: number;
}

/** How a sync ended; without an error, well. */
interface SyncEnd {
  readonly error?: SyncError | undefined;
  /** Whether the bank says that the person's consent there is no more. */
  readonly isEndedAtBank?: boolean | undefined;
  readonly fetched?: Fetched | undefined;
}

type SyncError = NonNullable<Connection['error']>;

const statusOf = {
  resync: 'error',
  sync_error: 'error',
  sync_partial: 'partial',
  mfa_required: 'mfa-required',
  credentials_error: 'credentials-error',
} as const satisfies Record<SyncError, Sync['fetchStatus']>;

/** Until the turn is looked for again (milliseconds), where the sync before does not pass it on. */
const turnPause = 30_000;
/** For a bank that takes no more calls and does not say for how long (seconds). */
const assumedRetryAfter = 3_600;
const transactionsPerEvent = 6_000;

/**
 * Brings a connection's accounts, balances and transactions from its bank into storage, as a job that
 * `orderSync` schedules. A bank's fault is recorded in the sync and in the connection, and leaves the
 * data that was there; what a crash cuts short is done again.
 */
export function createSynchroniser(deps: SynchroniserDeps): JobHandler {
  const { storage, directory, clock, logger, budget, automatic, watch } = deps;
  const { firstFetchSeconds = 20 } = deps;
  const fetchConnection = createConnectionFetch({ ...deps, firstFetchSeconds });
  const now = () => new Date(clock.now());

  async function run(order: SyncOrder): Promise<JobOutcome<SyncOrder>> {
    const turn = await takeTurn(deps, order);
    if (turn === 'over') return { writes: [] };
    if (turn === 'taken') return again(turnPause);
    const consent = (await storage.get(consents, turn.connection.consentId))?.value;
    try {
      if (!consent || !isLive(consent, clock.now())) return await refuse(turn);
      return await fetch(turn, consent, order);
    } catch (cause) {
      if (cause instanceof TurnLost) return again(0);
      throw cause;
    } finally {
      watch.tell(order.syncId);
    }
  }

  function again(milliseconds: number, data?: SyncOrder): JobOutcome<SyncOrder> {
    const due = new Date(clock.now() + milliseconds);
    return { writes: [], again: { due, ...(data && { data }) } };
  }

  async function fetch(turn: SyncTurn, consent: Consent, order: SyncOrder) {
    const { customer, rest } = order;
    const fetched = await fetchConnection({ turn, consent, customer, rest }).catch((cause) => {
      // A fault of ours is none of the bank's: the job is done again.
      if (cause instanceof InstitutionError) return cause;
      throw cause;
    });
    if (fetched instanceof InstitutionError) {
      await end(turn, consent, await explain(turn, fetched, order));
    } else if (fetched.failure) {
      await end(turn, consent, { ...(await explain(turn, fetched.failure, order)), fetched });
    } else if (fetched.rest) {
      await keepFirstPart(turn, fetched);
      return again(0, { ...order, rest: fetched.rest });
    } else {
      await end(turn, consent, { error: fetched.complete ? undefined : 'sync_partial', fetched });
    }
    return { writes: [] };
  }

  /**
   * What a fault of the bank means. Where it takes the authorization no more, or forbids to read with
   * it, it is asked whether the person ended it; where it cannot be asked, that fault is the one.
   */
  async function explain(
    turn: SyncTurn,
    fault: InstitutionError,
    { rest }: SyncOrder,
  ): Promise<SyncEnd> {
    const isDoubted = fault.code === 'authorization_lost' || fault.code === 'refused';
    const inForce = isDoubted ? await ask(turn.connection) : undefined;
    const isEndedAtBank = inForce === false;
    const cause = inForce instanceof InstitutionError ? inForce : fault;
    await recordFault(turn, cause);
    const error = isEndedAtBank ? 'credentials_error' : errorOf(cause, rest !== undefined);
    return { error, isEndedAtBank };
  }

  /** Whether the person's consent at the bank is in force; undefined where it keeps none. */
  async function ask({ institutionId, authorization }: Connection) {
    try {
      return await directory.connector(institutionId).isConsentInForce?.(authorization);
    } catch (cause) {
      if (cause instanceof InstitutionError) return cause;
      throw cause;
    }
  }

  /** What the client waits for is here; the rest follows in a job of its own. */
  async function keepFirstPart(turn: SyncTurn, { complete }: Fetched): Promise<void> {
    const at = now().toISOString();
    await turn.commit([keepSync(turn, { firstPartAt: at })], (current) =>
      withOutcome(current, complete ? undefined : 'sync_partial', at),
    );
  }

  /** The consent is over: what was fetched stays, and nothing is said of the connection. */
  async function refuse(turn: SyncTurn): Promise<JobOutcome<SyncOrder>> {
    const ended = { fetchStatus: 'error', fetchedAt: now().toISOString() } as const;
    await turn.commit(
      [keepSync(turn, ended), reportEnd(turn, 'error'), ...(await passOn(turn))],
      withoutTurn,
    );
    return { writes: [] };
  }

  async function end(
    turn: SyncTurn,
    consent: Consent,
    { error, isEndedAtBank, fetched }: SyncEnd,
  ): Promise<void> {
    const at = now().toISOString();
    const change = (current: Connection): Connection => ({
      ...withOutcome(withoutTurn(current), error, at),
      ...(isEndedAtBank && { endedAtBankOn: current.endedAtBankOn ?? at }),
      ...(fetched?.history && { history: fetched.history }),
    });
    // Only what the events and the next sync are decided by; the rest is as it is at the commit.
    const after = change(turn.connection);
    const accountIds = fetched?.accountIds ?? turn.connection.accountIds;
    const fetchStatus = error ? statusOf[error] : 'success';
    await turn.commit(
      [
        keepSync(turn, { fetchStatus, fetchedAt: at, accountIds }),
        reportEnd(turn, error ? 'error' : 'success'),
        ...reportAdded(turn, fetched),
        ...reportFailure(turn, after, consent),
        automatic.planNext(after, consent),
        ...(await passOn(turn)),
      ],
      change,
    );
  }

  /** The sync that was ordered meanwhile begins at once. */
  async function passOn({ connection, sync }: SyncTurn): Promise<readonly Write[]> {
    const next = await findLatestSync(storage, connection.id);
    if (!next || next.id === sync.id || !isUnderWay(next)) return [];
    const order = await readJob(storage, syncConnection, next.id);
    return order ? [schedule(syncConnection, next.id, now(), order)] : [];
  }

  function keepSync({ sync }: SyncTurn, change: Partial<Sync>): Write {
    return put(syncs, sync.id, { ...sync.value, ...change }, sync.expiresAt);
  }

  function reportEnd({ connection, sync }: SyncTurn, processingStatus: 'success' | 'error'): Write {
    const [connectionId, syncId, at] = [connection.id, sync.id, now()];
    const completedAt = at.toISOString();
    const payload = { completedAt, processingStatus, syncId, connectionId };
    return report('syncCompleted', connection, payload, at);
  }

  function reportAdded({ connection, sync }: SyncTurn, fetched?: Fetched): readonly Write[] {
    if (!fetched || sync.value.method === 'ADD') return [];
    const at = now();
    return inEvents(fetched.added).map((accounts) =>
      report('newTransactions', connection, { accounts }, at),
    );
  }

  /** Once, when the bank stops sharing. */
  function reportFailure(
    { connection }: SyncTurn,
    after: Connection,
    consent: Consent,
  ): readonly Write[] {
    const { error } = after;
    if (error === undefined || !isLost(after) || isLost(connection)) return [];
    const { id: connectionId, institutionName: bankName } = connection;
    const validity = validityOf(after, consent, clock.now());
    const payload = { connectionId, bankName, validity, error };
    return [report('connectionFailed', connection, payload, now())];
  }

  async function recordFault({ connection }: SyncTurn, cause: InstitutionError): Promise<void> {
    const { id: connectionId } = connection;
    logger.warn({ connectionId, cause }, 'connection not synchronised');
    if (cause.code !== 'rate_limited') return;
    const { retryAfter = assumedRetryAfter } = cause;
    await budget.block(connectionId, new Date(clock.now() + retryAfter * 1000));
  }

  return handleJob(syncConnection, run, ({ automatic: isAutomatic }) =>
    isAutomatic ? 'automatic syncs' : undefined,
  );
}

/** @param isRest whether the first part of the data is in already. */
function errorOf({ code }: InstitutionError, isRest: boolean): SyncError {
  if (code === 'authorization_lost') return 'credentials_error';
  if (code === 'input_required') return 'mfa_required';
  return isRest ? 'sync_partial' : 'sync_error';
}

function withOutcome(current: Connection, error: SyncError | undefined, at: string): Connection {
  // What only the person can mend, a fault that passes does not.
  if (error === 'sync_error' && isLost(current)) return current;
  const { error: before, failingSince, endedAtBankOn: _asked, ...rest } = current;
  if (error === undefined) return { ...rest, status: 'ok', lastUpdated: at };
  if (error === 'sync_partial') return { ...rest, status: 'error', error, lastUpdated: at };
  // A renewal takes the error away, and with it what came before.
  const since = before === undefined ? at : (failingSince ?? at);
  return { ...rest, status: 'error', error, failingSince: since };
}

function withoutTurn({ turn: _over, ...rest }: Connection): Connection {
  return rest;
}

type Added = Fetched['added'];

/** The new transactions, as few events as may hold them. */
export function inEvents(added: Added) {
  const events: { id: string; transactions: string[] }[][] = [];
  let room = 0;
  for (const { accountId, ids } of added) {
    for (let start = 0; start < ids.length; ) {
      if (room === 0) {
        events.push([]);
        room = transactionsPerEvent;
      }
      const transactions = ids.slice(start, start + room);
      events.at(-1)?.push({ id: accountId, transactions });
      start += transactions.length;
      room -= transactions.length;
    }
  }
  return events;
}
