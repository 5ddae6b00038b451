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
}

/** Writes of one commit, at most; its connection's own record comes on top. */
const writesPerCommit = 400;

/**
 * Makes the function that brings windows of transactions into storage, account by account and batch by
 * batch. It stops at the deadline, and passes over an account that the bank does not serve
 * while it serves another. Throws {@link InstitutionError} of the bank and what a commit throws.
 */
export function createWindowFetch({ storage, clock }: WindowFetchDeps) {
  async function commitInBatches(turn: SyncTurn, writes: readonly Write[]): Promise<void> {
    for (let start = 0; start < writes.length; start += writesPerCommit) {
      await turn.commit(writes.slice(start, start + writesPerCommit));
    }
  }

  async function fetchAccount({ account, window }: AccountPart, request: WindowRequest) {
    const { turn, session, deadline } = request;
    const { id } = account;
    const stored = await findAll(storage, transactions, {
      index: 'booked',
      from: `${id}|${window.from.toISOString()}`,
      to: `${id}|${window.to.toISOString()}`,
    });
    const known = new Map(stored.map((record) => [record.id, record.value]));
    const unseen = new Map(known);
    const added: string[] = [];
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
        if (Date.parse(each.dateAdded) >= turn.since.getTime()) added.push(each.id);
      }
      if (clock.now() > deadline) return { complete: false, added };
    }
    // A pending one that the bank no longer names was booked under another id, or dropped.
    const vanished = [...unseen.values()].filter(({ bank }) => bank.status === 'pending');
    await commitInBatches(
      turn,
      vanished.map((each) => remove(transactions, each.id)),
    );
    return { complete: true, added };
  }

  return async function fetchWindow(request: WindowRequest): Promise<FetchedWindow> {
    const added: { accountId: string; ids: readonly string[] }[] = [];
    let complete = true;
    let failure: unknown;
    for (const part of request.parts) {
      try {
        const fetched = await fetchAccount(part, request);
        added.push({ accountId: part.account.id, ids: [...new Set(fetched.added)] });
        if (!fetched.complete) return { complete: false, added };
      } catch (error) {
        if (!concernsOneAccount(error)) throw error;
        failure ??= error;
        complete = false;
      }
    }
    if (failure !== undefined && added.length === 0) throw failure;
    return { complete, added: added.filter(({ ids }) => ids.length > 0) };
  };
}

/** Whether the bank may well serve the next account. */
function concernsOneAccount(error: unknown): boolean {
  return (
    error instanceof InstitutionError &&
    (error.code === 'refused' || error.code === 'invalid_answer')
  );
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
