import { isDeepStrictEqual } from 'node:util';
import { accounts } from './account.js';
import type { Clock } from './clock.js';
import { type Connection, connections } from './connection.js';
import { type Consent, consents, isLive } from './consent.js';
import { consentedWindow, earlierPart, recentPart, type Window } from './consented-window.js';
import { createWindowFetch } from './fetch-window.js';
import { findAll } from './find-all.js';
import { type BankSession, type InstitutionDirectory, InstitutionError } from './institution.js';
import type { Logger } from './logger.js';
import { matchAccounts } from './match-accounts.js';
import { permits } from './permissions.js';
import { retryConflict } from './retry-conflict.js';
import { put, type Storage, update, type Write } from './storage.js';

/** Brings a connection's accounts, balances and transactions from its bank into storage. */
export interface Synchroniser {
  /**
   * The accounts and the last 90 days, in about `firstFetchSeconds`; what is not done by then is
   * left to {@link backfill}. A fault is recorded in the connection and logged, never thrown.
   */
  first(connectionId: string): Promise<void>;
  /** The rest of the consented window, without an end to its time; faults as with {@link first}. */
  backfill(connectionId: string): Promise<void>;
  /** Takes up what an earlier process did not finish, one after the other. Does not throw. */
  resume(): Promise<void>;
  /** Faults from now on are not recorded: the store is about to close, and the next start resumes. */
  stop(): void;
}

interface SynchroniserDeps {
  readonly storage: Storage;
  readonly directory: InstitutionDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The client waits for its tokens meanwhile: well under the 60 s of the published client. */
  readonly firstFetchSeconds?: number;
}

/** The connection or its consent ended while its data was being fetched: nothing is to be kept. */
class ConnectionEnded extends Error {
  override readonly name = 'ConnectionEnded';
}

/** See {@link Synchroniser}. One connection is fetched by one call at a time in this process. */
export function createSynchroniser(deps: SynchroniserDeps): Synchroniser {
  const { storage, directory, clock, logger, firstFetchSeconds = 20 } = deps;
  const running = new Map<string, Promise<void>>();
  let stopped = false;
  const fetchWindow = createWindowFetch({ storage, clock, commit });

  /**
   * Commits data together with a change of its connection, so that data never outlives a connection
   * that was removed meanwhile.
   */
  async function commit(
    connectionId: string,
    writes: readonly Write[],
    change: (connection: Connection) => Connection = (connection) => connection,
  ): Promise<void> {
    await retryConflict(async () => {
      const stored = await storage.get(connections, connectionId);
      if (!stored) throw new ConnectionEnded();
      await storage.commit([update(connections, stored, change(stored.value)), ...writes]);
    });
  }

  /** New tokens are kept before they are used: a refresh token must not be lost with this process. */
  async function openSession(connection: Connection): Promise<BankSession> {
    const session = await directory
      .connector(connection.institutionId)
      .open(connection.authorization);
    await keepAuthorization(connection, session);
    return session;
  }

  async function keepAuthorization(connection: Connection, { authorization }: BankSession) {
    if (isDeepStrictEqual(authorization, connection.authorization)) return;
    await commit(connection.id, [], (current) => ({ ...current, authorization }));
  }

  async function fetchAccounts(connection: Connection, session: BankSession) {
    const known = await findAll(storage, accounts, { index: 'connection', equals: connection.id });
    const fetched = matchAccounts(
      connection,
      known.map(({ value }) => value),
      await session.accounts(),
      new Date(clock.now()),
    );
    await commit(
      connection.id,
      fetched.map((account) => put(accounts, account.id, account)),
      (current) => ({ ...current, accountIds: fetched.map(({ id }) => id) }),
    );
    return fetched;
  }

  async function load(connectionId: string) {
    const connection = await storage.get(connections, connectionId);
    const consent = connection && (await storage.get(consents, connection.value.consentId));
    if (!consent || !isLive(consent.value, clock.now())) throw new ConnectionEnded();
    return { connection: connection.value, consent: consent.value };
  }

  function windowOf(consent: Consent): Window {
    const months = directory.find(consent.institutionId)?.monthsInitialConsent;
    return consentedWindow(consent, months, clock.now());
  }

  async function fetchFirst(connectionId: string): Promise<void> {
    const deadline = clock.now() + firstFetchSeconds * 1000;
    const { connection, consent } = await load(connectionId);
    const session = await openSession(connection);
    const held = await fetchAccounts(connection, session);
    const recent = recentPart(windowOf(consent), clock.now());
    const complete =
      !sharesTransactions(consent) || (await fetchWindow(held, session, recent, deadline));
    await finish(connectionId, session, complete);
  }

  async function fetchRest(connectionId: string): Promise<void> {
    const { connection, consent } = await load(connectionId);
    const all = windowOf(consent);
    // Where the first fetch did not come to its end, the recent part is read here too.
    const rest = connection.error === undefined ? earlierPart(all, clock.now()) : all;
    if (!sharesTransactions(consent) || rest.from >= rest.to) {
      return commit(connectionId, [], (current) => ({ ...current, unfinished: false }));
    }
    const session = await openSession(connection);
    const held = await findAll(storage, accounts, { index: 'connection', equals: connectionId });
    const chosen = held
      .map(({ value }) => value)
      .filter(({ id }) => connection.accountIds.includes(id));
    const complete = await fetchWindow(chosen, session, rest, Number.POSITIVE_INFINITY);
    return finish(connectionId, session, complete, { unfinished: !complete });
  }

  async function finish(
    connectionId: string,
    session: BankSession,
    complete: boolean,
    change: Partial<Connection> = {},
  ) {
    const { authorization } = session;
    await commit(connectionId, [], ({ error: _before, ...current }) => ({
      ...current,
      ...change,
      authorization,
      lastUpdated: new Date(clock.now()).toISOString(),
      ...(complete ? { status: 'ok' } : { status: 'error', error: 'sync_partial' }),
    }));
  }

  /** The data that was there stays; the connection says what is wrong. */
  async function recordFault(connectionId: string, cause: unknown): Promise<void> {
    if (stopped || cause instanceof ConnectionEnded) return;
    logger.warn({ connectionId, cause }, 'connection not synchronised');
    const lost = cause instanceof InstitutionError && cause.code === 'authorization_lost';
    const error = lost ? 'credentials_error' : 'sync_error';
    try {
      await commit(connectionId, [], (current) => ({ ...current, status: 'error', error }));
    } catch (fault) {
      if (fault instanceof ConnectionEnded) return;
      logger.error({ connectionId, cause: fault }, 'fault of a connection not recorded');
    }
  }

  /** After the fetch of the same connection that is under way, so that tokens are not used twice. */
  async function inTurn(connectionId: string, fetch: () => Promise<void>): Promise<void> {
    const turn = (running.get(connectionId) ?? Promise.resolve()).then(async () => {
      try {
        await fetch();
      } catch (error) {
        await recordFault(connectionId, error);
      }
    });
    running.set(connectionId, turn);
    await turn;
    if (running.get(connectionId) === turn) running.delete(connectionId);
  }

  const first = (connectionId: string) => inTurn(connectionId, () => fetchFirst(connectionId));
  const backfill = (connectionId: string) => inTurn(connectionId, () => fetchRest(connectionId));

  return {
    first,
    backfill,
    async resume() {
      try {
        const left = await findAll(storage, connections, { index: 'unfinished', equals: 'yes' });
        for (const { id, value } of left) {
          if (stopped) return;
          if (value.lastUpdated === undefined) await first(id);
          await backfill(id);
        }
      } catch (cause) {
        if (!stopped) logger.error({ cause }, 'unfinished connections not taken up');
      }
    },
    stop() {
      stopped = true;
    },
  };
}

function sharesTransactions({ permissions }: Consent): boolean {
  return permits(permissions, 'ReadTransactionsBasic');
}
