import type { ReadableTransaction } from './data-policy.js';

/** Which transactions a client asks for; an absent member does not narrow. Times in milliseconds. */
export interface TransactionFilter {
  readonly accountIds?: readonly string[] | undefined;
  readonly ids?: readonly string[] | undefined;
  /** Booked at or after. */
  readonly from?: number | undefined;
  /** Booked before. */
  readonly to?: number | undefined;
  /** Modified at or after. */
  readonly modifiedFrom?: number | undefined;
  /** Modified before. */
  readonly modifiedTo?: number | undefined;
  readonly direction?: 'credit' | 'debit' | undefined;
  /** Occurs in the description, in any case of letters. */
  readonly text?: string | undefined;
}

/**
 * Whether a transaction is asked for. It is held against what the token may read, so that a filter
 * tells nothing about what it may not.
 */
export function matchesFilter(
  { id, accountId, bank, dateModified }: ReadableTransaction,
  filter: TransactionFilter,
): boolean {
  const { direction, text } = filter;
  return (
    (filter.accountIds?.includes(accountId) ?? true) &&
    (filter.ids?.includes(id) ?? true) &&
    isWithin(bank.bookedAt, filter.from, filter.to) &&
    isWithin(dateModified, filter.modifiedFrom, filter.modifiedTo) &&
    (direction === undefined || direction === (bank.amount < 0 ? 'debit' : 'credit')) &&
    (text === undefined || includesText(bank.description, text))
  );
}

function isWithin(time: string, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY) {
  const at = Date.parse(time);
  return from <= at && at < to;
}

function includesText(description: string | undefined, text: string): boolean {
  return description?.toLowerCase().includes(text.toLowerCase()) ?? false;
}
