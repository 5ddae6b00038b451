import { type Account, accounts } from './account.js';
import type { Clock } from './clock.js';
import type { FetchedHistory } from './connection.js';
import type { Consent } from './consent.js';
import {
  changedPart,
  consentedWindow,
  earlierPart,
  recentPart,
  type Window,
} from './consented-window.js';
import { report } from './event.js';
import { createWindowFetch, type FetchedWindow } from './fetch-window.js';
import { findAll } from './find-all.js';
import type { BankSession, InstitutionDirectory, PresentCustomer } from './institution.js';
import { matchAccounts } from './match-accounts.js';
import type { SyncOrder } from './order-sync.js';
import { permits } from './permissions.js';
import { put, type Storage } from './storage.js';
import type { SyncTurn } from './sync-turn.js';

/** What fetching a connection came to. */
export interface Fetched extends FetchedWindow {
  readonly accountIds: readonly string[];
  /** What is still to fetch after the first part; absent where that was all. */
  readonly rest?: SyncOrder['rest'];
  /** What is here of its history then, where that is known to be whole. */
  readonly history?: FetchedHistory | undefined;
}

interface FetchDeps {
  readonly storage: Storage;
  readonly directory: InstitutionDirectory;
  readonly clock: Clock;
  /** For the first part of a connection's first fetch, about. */
  readonly firstFetchSeconds: number;
}

interface FetchRequest {
  readonly turn: SyncTurn;
  readonly consent: Consent;
  readonly customer: PresentCustomer | undefined;
  readonly rest: SyncOrder['rest'];
}

/** What of each account a fetch reads, and what is still to fetch after it. */
interface Plan {
  readonly windowOf: (account: Account) => Window;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly rest: (complete: boolean) => SyncOrder['rest'];
}

/**
 * Makes the function that brings a connection's accounts, balances and transactions into storage: the
 * first time the last 90 days first and then the rest of what was consented to, later what may have
 * changed. Throws {@link InstitutionError} of the bank and {@link TurnLost}.
 */
export function createConnectionFetch(deps: FetchDeps) {
  const { storage, directory, clock, firstFetchSeconds } = deps;
  const fetchWindow = createWindowFetch(deps);

  async function fetchAccounts(turn: SyncTurn, session: BankSession): Promise<readonly Account[]> {
    const { connection } = turn;
    const known = await findAll(storage, accounts, { index: 'connection', equals: connection.id });
    const fetched = matchAccounts(
      connection,
      known.map(({ value }) => value),
      await session.accounts(),
      new Date(clock.now()),
    );
    const at = new Date(clock.now());
    const accountIds = fetched.map(({ id }) => id);
    const gone = connection.accountIds.filter((id) => !accountIds.includes(id));
    await turn.commit(
      [
        ...fetched.map((account) => put(accounts, account.id, account)),
        ...gone.map((accountId) => report('deletedAccount', connection, { accountId }, at)),
      ],
      (current) => ({ ...current, accountIds }),
    );
    return fetched;
  }

  async function heldAccounts({ connection }: SyncTurn): Promise<readonly Account[]> {
    const known = await findAll(storage, accounts, { index: 'connection', equals: connection.id });
    return known.map(({ value }) => value).filter(({ id }) => connection.accountIds.includes(id));
  }

  function consented(consent: Consent): Window {
    const months = directory.find(consent.institutionId)?.monthsInitialConsent;
    return consentedWindow(consent, months, clock.now());
  }

  function plan({ turn, consent, rest }: FetchRequest, whole: Window): Plan {
    const { method } = turn.sync.value;
    const now = clock.now();
    const earlier = earlierPart(whole, now);
    if (method === 'ADD' && rest === undefined) {
      const isWhole = earlier.from >= earlier.to;
      return {
        windowOf: () => recentPart(whole, now),
        deadline: now + firstFetchSeconds * 1000,
        rest: (complete) => (complete ? (isWhole ? undefined : 'earlier') : 'whole'),
      };
    }
    const { history } = turn.connection;
    const known = history && covers(history, whole, consent) ? history : undefined;
    return {
      windowOf(account) {
        if (rest === 'earlier') return earlier;
        return known?.accountIds.includes(account.id)
          ? changedPart(whole, new Date(known.at))
          : whole;
      },
      deadline: Number.POSITIVE_INFINITY,
      rest: () => undefined,
    };
  }

  return async function fetchConnection(request: FetchRequest): Promise<Fetched> {
    const { turn, consent, customer } = request;
    const { institutionId, authorization } = turn.connection;
    const session = await directory.connector(institutionId).open(authorization, customer);
    await turn.hold(session);
    const held = request.rest ? await heldAccounts(turn) : await fetchAccounts(turn, session);
    const accountIds = held.map(({ id }) => id);
    if (!permits(consent.permissions, 'ReadTransactionsBasic')) {
      return { accountIds, complete: true, added: [] };
    }
    const whole = consented(consent);
    const { windowOf, deadline, rest } = plan(request, whole);
    const parts = held.map((account) => ({ account, window: windowOf(account) }));
    const fetched = await fetchWindow({ turn, session, parts, deadline });
    if (fetched.failure) return { ...fetched, accountIds };
    const left = rest(fetched.complete);
    if (left !== undefined || !fetched.complete) return { ...fetched, accountIds, rest: left };
    // As of the beginning of the sync: what was booked since may be missing.
    const [from, at] = [whole.from.toISOString(), turn.since.toISOString()];
    const { permissions } = consent;
    return { ...fetched, accountIds, history: { from, at, permissions, accountIds } };
  };
}

/** Whether it begins early enough and shows enough. */
function covers(history: FetchedHistory, { from }: Window, { permissions }: Consent): boolean {
  return (
    Date.parse(history.from) <= from.getTime() &&
    permissions.every((permission) => history.permissions.includes(permission))
  );
}
