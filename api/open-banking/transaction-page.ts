import { z } from 'zod';
import type { AccountAccess } from '../../core/authorization-details/detail-type.js';
import type { BankLedger, LedgerTransaction } from '../../core/bank-ledger.js';
import { permits } from '../../core/permissions.js';
import { ObieError } from './obie-error.js';
import type { SharedAccess, SharedAccount } from './shared-access.js';

const pageSize = 250;

/**
 * v3.1 filters are inclusive and usually without an offset; those are read as UTC. A date alone is
 * its midnight.
 */
const moment = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/)
  .transform((text) => new Date(/T.*(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : asUtc(text)))
  .refine((date) => !Number.isNaN(date.getTime()));

function asUtc(text: string): string {
  return text.includes('T') ? `${text}Z` : text;
}

const pageNumber = z.coerce.number().int().min(1).max(1_000_000).default(1);

/** Which transactions are asked for: bookings from `from` to `to`, both included. */
export interface TransactionQuery {
  readonly from: Date | undefined;
  readonly to: Date | undefined;
  /** From 1. */
  readonly page: number;
}

/**
 * The filters and the page of a request's query.
 * @throws {ObieError} 400 for a value that cannot be read, or one given twice.
 */
export function parseTransactionQuery(query: URLSearchParams): TransactionQuery {
  return {
    from: readParameter(query, 'fromBookingDateTime', moment.optional()),
    to: readParameter(query, 'toBookingDateTime', moment.optional()),
    page: readParameter(query, 'page', pageNumber),
  };
}

function readParameter<Value>(query: URLSearchParams, name: string, schema: z.ZodType<Value>) {
  const values = query.getAll(name);
  const parsed = schema.safeParse(values[0]);
  if (values.length < 2 && parsed.success) return parsed.data;
  throw new ObieError(400, {
    code: name === 'page' ? 'UK.OBIE.Field.Invalid' : 'UK.OBIE.Field.InvalidDate',
    message: 'This parameter cannot be read',
    path: name,
  });
}

/** One page of the transactions of some accounts, account by account, newest first in each. */
export interface TransactionPage {
  readonly entries: readonly {
    readonly shared: SharedAccount;
    readonly entry: LedgerTransaction;
  }[];
  readonly page: number;
  readonly totalPages: number;
  /** The end of the window: the next page names it, so that what is booked meanwhile moves nothing. */
  readonly to: Date;
}

/**
 * Reads a page of what each account's terms permit: their window of time within the asked one, and only
 * credits or debits where they allow only those.
 * @param now bookings after it do not exist yet.
 */
export async function readTransactionPage(
  ledger: BankLedger,
  access: SharedAccess,
  query: TransactionQuery,
  now: Date,
): Promise<TransactionPage> {
  const entries: { shared: SharedAccount; entry: LedgerTransaction }[] = [];
  const skipped = (query.page - 1) * pageSize;
  let total = 0;
  for (const shared of access) {
    const { account, terms } = shared;
    const to = earliest(now, query.to, terms.transactionTo);
    const window = {
      from: latest(query.from, terms.transactionFrom),
      to: new Date(to.getTime() + 1),
      direction: permittedDirection(terms),
    };
    const found = await ledger.transactions(account.id, window, {
      offset: Math.max(0, skipped - total),
      limit: pageSize - entries.length,
    });
    // An account that ends before the page begins gives nothing; one after a full page only counts.
    entries.push(...found.transactions.map((entry) => ({ shared, entry })));
    total += found.total;
  }
  const totalPages = Math.max(1, Math.ceil(total / pageSize));
  return { entries, page: query.page, totalPages, to: earliest(now, query.to, undefined) };
}

function permittedDirection({ permissions }: AccountAccess): 'credit' | 'debit' | undefined {
  const credits = permits(permissions, 'ReadTransactionsCredits');
  const debits = permits(permissions, 'ReadTransactionsDebits');
  if (credits && debits) return undefined;
  return credits ? 'credit' : 'debit';
}

function latest(asked: Date | undefined, allowed: string | undefined): Date | undefined {
  if (allowed === undefined) return asked;
  return new Date(Math.max(asked?.getTime() ?? Number.NEGATIVE_INFINITY, Date.parse(allowed)));
}

function earliest(now: Date, asked: Date | undefined, allowed: string | undefined): Date {
  const allowedUntil = allowed === undefined ? Number.POSITIVE_INFINITY : Date.parse(allowed);
  return new Date(
    Math.min(now.getTime(), asked?.getTime() ?? Number.POSITIVE_INFINITY, allowedUntil),
  );
}
