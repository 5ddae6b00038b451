import { z } from 'zod';
import type { ReadableTransaction } from '../../core/data-policy.js';
import { amountSchema, describeAmount } from '../amount.js';
import { timestamp } from '../envelope.js';

/**
 * A transaction as the published client knows it; categories and other enrichment are not made here.
 * The descriptions are there where the consent includes details of transactions.
 */
export const transactionSchema = z
  .object({
    id: z.uuid(),
    accountId: z.uuid(),
    amount: amountSchema,
    date: timestamp,
    dateModified: timestamp,
    longDescription: z.string().optional(),
    shortDescription: z.string().optional(),
    status: z.enum(['posted', 'pending']),
  })
  .meta({ id: 'Transaction' });

/** @returns the transaction in the form of {@link transactionSchema}. */
export function describeTransaction({ id, accountId, bank, dateModified }: ReadableTransaction) {
  const { description, amount, currency, bookedAt, status } = bank;
  return {
    id,
    accountId,
    amount: describeAmount(amount, currency),
    date: bookedAt,
    dateModified,
    ...(description !== undefined && {
      longDescription: description,
      shortDescription: description,
    }),
    status,
  } satisfies z.input<typeof transactionSchema>;
}
