import { z } from 'zod';
import type { TransactionFilter } from '../../core/transaction-filter.js';
import { paging } from '../envelope.js';

const day = 86_400_000;
const date = z.iso.date();
const moment = z.union([date, z.iso.datetime({ offset: true })]);
const list = z.union([z.string(), z.array(z.string()).max(100)]);

/** The query of `GET /v3/transactions`; other members are ignored. */
export const transactionQuerySchema = z
  .object({
    ...paging,
    cursor: z.string().optional().describe('From `links.next` of the page before'),
    accountId: z.string().optional(),
    accountIds: list.optional(),
    ids: list.optional(),
    startDate: moment.optional().describe('Booked on or after'),
    endDate: moment
      .optional()
      .describe('Booked on or before; a date without time is the whole day'),
    startDateModified: moment.optional(),
    endDateModified: moment.optional(),
    creditDebitIndicator: z.enum(['credit', 'debit']).optional(),
    text: z.string().max(200).optional().describe('Occurs in the description'),
  })
  .refine(({ startDate, endDate }) => isInOrder(startDate, endDate), {
    path: ['endDate'],
    message: 'must not be before startDate',
  })
  .refine(
    ({ startDateModified, endDateModified }) => isInOrder(startDateModified, endDateModified),
    {
      path: ['endDateModified'],
      message: 'must not be before startDateModified',
    },
  );

/** The filter that a query asks for. */
export function toTransactionFilter(
  query: z.output<typeof transactionQuerySchema>,
): TransactionFilter {
  const { accountId, accountIds, ids, creditDebitIndicator, text } = query;
  return {
    accountIds: accountId === undefined ? asList(accountIds) : [accountId],
    ids: asList(ids),
    from: startOf(query.startDate),
    to: endOf(query.endDate),
    modifiedFrom: startOf(query.startDateModified),
    modifiedTo: endOf(query.endDateModified),
    direction: creditDebitIndicator,
    text,
  };
}

function isInOrder(start: string | undefined, end: string | undefined): boolean {
  const [from, to] = [startOf(start), endOf(end)];
  return from === undefined || to === undefined || from < to;
}

function asList(value: string | string[] | undefined): readonly string[] | undefined {
  return typeof value === 'string' ? value.split(',') : value;
}

function startOf(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Date.parse(value);
}

/** The end is included in what is asked for, and excluded from the filter's span. */
function endOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  return Date.parse(value) + (date.safeParse(value).success ? day : 1);
}
