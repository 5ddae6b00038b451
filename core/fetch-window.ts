import { isDeepStrictEqual } from 'node:util';
import { type Account, type Transaction, transactions } from './account.js';
import type { Clock } from './clock.js';
import type { Window } from './consented-window.js';
import { deriveUuid } from './derive-uuid.js';
import { findAll } from './find-all.js';
import { type BankSession, type BankTransaction, InstitutionError } from './institution.js';
import { put, remove, type Storage, type Write } from './storage.js';
import type { SyncTurn } from './sync-turn.js';

interface WindowFetchDeps {
  readonly storage: Pick<Storage, 'find'>;
  readonly clock: Clock;
}

export interface AccountPart {
  readonly account: Account;
  readonly window: Window;
}

interface WindowRequest {
  readonly turn: SyncTurn;
  readonly session: BankSession;
  /** Which window of which account. */
  readonly parts: readonly AccountPart[];
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

/** What fetching a window came to. */
export interface FetchedWindow {
  /** Whether all of it was fetched, of all accounts. */
  readonly complete: boolean;
  /** The transactions that no earlier sync had brought. */
  readonly added: readonly { readonly accountId: string; readonly ids: readonly string[] }[];
  /** Why the bank served no more, where it then served nothing else. */
  readonly failure?: InstitutionError | undefined;
}

/** Writes of one commit, at most; its connection's own record comes on top. */
const writesPerCommit = 400;

/**
 * Makes the function that brings windows of transactions into storage, account by account and batch by
 * batch. It stops at the deadline and where the bank fails, and passes over an account that the bank
 * does not serve while it serves another. Throws what a commit throws.
 */
export function createWindowFetch({ storage, clock }: WindowFetchDeps) {
  async function commitInBatches(turn: SyncTurn, writes: readonly Write[]): Promise<void> {
    for (let start = 0; start < writes.length; start += writesPerCommit) {
      await turn.commit(writes.slice(start, start + writesPerCommit));
    }
  }

  /** @param added takes the ids, so that they are known where the bank fails in between. */
  async function fetchAccount(
    { account, window }: AccountPart,
    request: WindowRequest,
    added: Set<string>,
  ): Promise<boolean> {
    const { turn, session, deadline } = request;
    const { id } = account;
    const stored = await findAll(storage, transactions, {
      index: 'booked',
      from: `${id}|${window.from.toISOString()}`,
      to: `${id}|${window.to.toISOString()}`,
    });
    const known = new Map(stored.map((record) => [record.id, record.value]));
    const unseen = new Map(known);
    for await (const page of session.transactions(account.bank.upstreamId, window)) {
      const fetched = page.map((transaction) =>
        toTransaction(id, transaction, known, new Date(clock.now())),
      );
      const changed = fetched.filter((each) => !isSame(each, unseen.get(each.id)));
      await commitInBatches(
        turn,
        changed.map((each) => put(transactions, each.id, each)),
      );
      for (const each of fetched) {
        unseen.delete(each.id);
        // Also what this sync itself had brought when a crash cut it short.
        if (Date.parse(each.dateAdded) >= turn.since.getTime()) added.add(each.id);
      }
      if (clock.now() > deadline) return false;
    }
    // A pending one that the bank no longer names was booked under another id, or dropped.
    const vanished = [...unseen.values()].filter(({ bank }) => bank.status === 'pending');
    await commitInBatches(
      turn,
      vanished.map((each) => remove(transactions, each.id)),
    );
    return true;
  }

  return async function fetchWindow(request: WindowRequest): Promise<FetchedWindow> {
    const added = new Map<string, Set<string>>();
    let served = 0;
    let failure: InstitutionError | undefined;
    const outcome = (complete: boolean): FetchedWindow => ({
      complete,
      added: [...added]
        .filter(([, ids]) => ids.size > 0)
        .map(([accountId, ids]) => ({ accountId, ids: [...ids] })),
    });
    for (const part of request.parts) {
      const ids = new Set<string>();
      added.set(part.account.id, ids);
      try {
        if (!(await fetchAccount(part, request, ids))) return outcome(false);
        served++;
      } catch (error) {
        if (!(error instanceof InstitutionError)) throw error;
        if (!concernsOneAccount(error)) return { ...outcome(false), failure: error };
        failure ??= error;
      }
    }
    if (failure && served === 0) return { ...outcome(false), failure };
    return outcome(failure === undefined);
  };
}

/** Whether the bank may well serve the next account. */
function concernsOneAccount({ code }: InstitutionError): boolean {
  return code === 'refused' || code === 'invalid_answer';
}

function toTransaction(
  accountId: string,
  fetched: BankTransaction,
  known: ReadonlyMap<string, Transaction>,
  at: Date,
): Transaction {
  const id = deriveUuid('transaction', accountId, fetched.upstreamId);
  const now = at.toISOString();
  return {
    id,
    accountId,
    bank: { ...fetched, bookedAt: fetched.bookedAt.toISOString() },
    dateAdded: known.get(id)?.dateAdded ?? now,
    dateModified: now,
  };
}

function isSame(fetched: Transaction, known: Transaction | undefined): boolean {
  return isDeepStrictEqual(fetched.bank, known?.bank);
}
