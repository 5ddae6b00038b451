import type { AccessTokenFacts } from './access-token.js';
import { type Transaction, transactions } from './account.js';
import { type ReaderDeps, readConsentedConnections } from './consented-connections.js';
import {
  assertShared,
  type ReadableConnection,
  type ReadableTransaction,
  readableTransaction,
} from './data-policy.js';
import { Refusal } from './refusal.js';
import type { Storage } from './storage.js';
import { matchesFilter, type TransactionFilter } from './transaction-filter.js';

/** A place in the order of transactions: newest first, of the same time the greater id first. */
export interface TransactionPosition {
  /** ISO 8601, UTC, with milliseconds. */
  readonly bookedAt: string;
  readonly id: string;
}

/** At most `limit`, after skipping `offset` of those that come after the position. */
export interface TransactionPageRequest {
  readonly limit: number;
  readonly offset: number;
  readonly after?: TransactionPosition | undefined;
}

export interface TransactionPage {
  readonly transactions: readonly ReadableTransaction[];
  /** Where the next page goes on; absent on the last. */
  readonly next?: TransactionPosition | undefined;
}

/** Reads a person's transactions for a token, no further than `core/data-policy.ts` allows. */
export interface TransactionReader {
  /** Those the filter matches, over all accounts, newest first. @throws {Refusal} `forbidden` */
  list(
    token: AccessTokenFacts,
    filter: TransactionFilter,
    page: TransactionPageRequest,
  ): Promise<TransactionPage>;
  /** @throws {Refusal} `not_found` for a transaction that the token cannot read. */
  get(token: AccessTokenFacts, id: string): Promise<ReadableTransaction>;
}

/** Records read from one account at a time. */
const largestBatch = 500;

/** See {@link TransactionReader}. Memory holds one batch per account, whatever is stored. */
export function createTransactionReader(deps: ReaderDeps): TransactionReader {
  const { storage } = deps;

  return {
    async list(token, filter, { limit, offset, after }) {
      const readable = await readConsentedConnections(deps, token);
      assertShared(readable, (connection) => sharesAny(connection, filter), 'these transactions');
      const batch = Math.min(offset + limit + 1, largestBatch);
      const streams = readable.flatMap((connection) =>
        accountsToRead(connection, filter).map((accountId) =>
          readAccount(storage, { accountId, connection, filter, after, batch }),
        ),
      );
      const found: ReadableTransaction[] = [];
      let skipped = 0;
      for await (const transaction of mergeNewestFirst(streams)) {
        if (skipped++ < offset) continue;
        if (found.length === limit) return { transactions: found, next: lastPosition(found) };
        found.push(transaction);
      }
      return { transactions: found };
    },

    async get(token, id) {
      const [readable, stored] = await Promise.all([
        readConsentedConnections(deps, token),
        storage.get(transactions, id),
      ]);
      const [transaction] = readable
        .map((connection) => stored && readableTransaction(stored.value, connection))
        .filter((found) => found !== undefined);
      if (!transaction) {
        throw new Refusal('not_found', 'There is no such transaction for this token');
      }
      return transaction;
    },
  };
}

/** Whether anything that the filter asks for could be within what the connection shares. */
function sharesAny(
  { credits, debits, transactionFrom }: ReadableConnection,
  { direction, to }: TransactionFilter,
): boolean {
  const isBefore = transactionFrom && to !== undefined && to <= Date.parse(transactionFrom);
  return !isBefore && ((credits && direction !== 'debit') || (debits && direction !== 'credit'));
}

function accountsToRead(
  { accountIds, credits, debits }: ReadableConnection,
  filter: TransactionFilter,
): readonly string[] {
  if (!credits && !debits) return [];
  return [...accountIds].filter((id) => filter.accountIds?.includes(id) ?? true);
}

interface AccountRead {
  readonly accountId: string;
  readonly connection: ReadableConnection;
  readonly filter: TransactionFilter;
  readonly after: TransactionPosition | undefined;
  readonly batch: number;
}

/** The matching transactions of one account after a position, newest first. */
async function* readAccount(
  storage: Storage,
  { accountId, connection, filter, after, batch }: AccountRead,
): AsyncGenerator<ReadableTransaction> {
  const query = {
    index: 'booked',
    from: bound(accountId, filter.from),
    to: after ? `${accountId}|${after.bookedAt}!` : bound(accountId, filter.to, '~'),
    order: 'descending',
    limit: batch,
  } as const;
  let cursor: string | undefined;
  do {
    const page = await storage.find(transactions, { ...query, after: cursor });
    for (const { value } of page.records) {
      const transaction = readableTransaction(value, connection);
      const follows = after === undefined || compareNewestFirst(positionOf(value), after) > 0;
      if (transaction && follows && matchesFilter(transaction, filter)) yield transaction;
    }
    cursor = page.next;
  } while (cursor !== undefined);
}

/** A bound of the index `booked`; without a time, that of all of the account. */
function bound(accountId: string, time: number | undefined, otherwise = ''): string {
  const text = time === undefined ? otherwise : new Date(time).toISOString();
  // ISO 8601 writes years above 9999 with a sign, which would come before all others.
  return `${accountId}|${text.startsWith('+') ? '~' : text}`;
}

async function* mergeNewestFirst(
  streams: readonly AsyncGenerator<ReadableTransaction>[],
): AsyncGenerator<ReadableTransaction> {
  const heads = await Promise.all(streams.map((stream) => stream.next()));
  while (true) {
    const [first] = heads
      .flatMap((head, index) => (head.done ? [] : [{ index, value: head.value }]))
      .sort((one, other) => compareNewestFirst(positionOf(one.value), positionOf(other.value)));
    const stream = first && streams[first.index];
    if (!stream) return;
    yield first.value;
    heads[first.index] = await stream.next();
  }
}

function positionOf({ id, bank }: Transaction | ReadableTransaction): TransactionPosition {
  return { id, bookedAt: bank.bookedAt };
}

function lastPosition(page: readonly ReadableTransaction[]): TransactionPosition | undefined {
  const last = page.at(-1);
  return last && positionOf(last);
}

/** Below zero where `one` comes before `other`. */
function compareNewestFirst(one: TransactionPosition, other: TransactionPosition): number {
  const [earlier, later] = [`${one.bookedAt}|${one.id}`, `${other.bookedAt}|${other.id}`];
  return earlier > later ? -1 : Number(earlier < later);
}
