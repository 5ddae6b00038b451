import { isDeepStrictEqual } from 'node:util';
import { type Account, type Transaction, transactions } from './account.js';
import type { Clock } from './clock.js';
import type { Window } from './consented-window.js';
import { deriveUuid } from './derive-uuid.js';
import { findAll } from './find-all.js';
import type { BankSession, BankTransaction } from './institution.js';
import { put, remove, type Storage, type Write } from './storage.js';

interface WindowFetchDeps {
  readonly storage: Pick<Storage, 'find'>;
  readonly clock: Clock;
  /** Commits data under its connection. */
  readonly commit: (connectionId: string, writes: readonly Write[]) => Promise<void>;
}

/** Writes of one commit, at most; its connection's own record comes on top. */
const writesPerCommit = 400;

/**
 * Makes the function that brings the transactions of a window into storage, account by account and
 * batch by batch. It stops at `deadline` (milliseconds since the epoch) and returns whether it came
 * to the end; throws {@link InstitutionError} of the bank and what `commit` throws.
 */
export function createWindowFetch({ storage, clock, commit }: WindowFetchDeps) {
  async function commitInBatches(connectionId: string, writes: readonly Write[]): Promise<void> {
    for (let start = 0; start < writes.length; start += writesPerCommit) {
      await commit(connectionId, writes.slice(start, start + writesPerCommit));
    }
  }

  async function fetchAccount(
    account: Account,
    session: BankSession,
    window: Window,
    deadline: number,
  ): Promise<boolean> {
    const { id, connectionId } = account;
    const stored = await findAll(storage, transactions, {
      index: 'booked',
      from: `${id}|${window.from.toISOString()}`,
      to: `${id}|${window.to.toISOString()}`,
    });
    const unseen = new Map(stored.map((record) => [record.id, record.value]));
    for await (const page of session.transactions(account.bank.upstreamId, window)) {
      const fetched = page.map((transaction) => toTransaction(id, transaction, clock.now()));
      const changed = fetched.filter((each) => !isSame(each, unseen.get(each.id)));
      await commitInBatches(
        connectionId,
        changed.map((each) => put(transactions, each.id, each)),
      );
      for (const each of fetched) unseen.delete(each.id);
      if (clock.now() > deadline) return false;
    }
    // A pending one that the bank no longer names was booked under another id, or dropped.
    const vanished = [...unseen.values()].filter(({ bank }) => bank.status === 'pending');
    await commitInBatches(
      connectionId,
      vanished.map((each) => remove(transactions, each.id)),
    );
    return true;
  }

  return async function fetchWindow(
    held: readonly Account[],
    session: BankSession,
    window: Window,
    deadline: number,
  ): Promise<boolean> {
    for (const account of held) {
      if (!(await fetchAccount(account, session, window, deadline))) return false;
    }
    return true;
  };
}

function toTransaction(accountId: string, fetched: BankTransaction, now: number): Transaction {
  return {
    id: deriveUuid('transaction', accountId, fetched.upstreamId),
    accountId,
    bank: { ...fetched, bookedAt: fetched.bookedAt.toISOString() },
    dateModified: new Date(now).toISOString(),
  };
}

function isSame(fetched: Transaction, known: Transaction | undefined): boolean {
  return isDeepStrictEqual(fetched.bank, known?.bank);
}
