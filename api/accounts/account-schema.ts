import { z } from 'zod';
import type { ReadableAccount } from '../../core/data-policy.js';
import { amountSchema, describeAmount } from '../amount.js';
import { timestamp } from '../envelope.js';

export const balanceSchema = z
  .object({ amount: amountSchema, date: timestamp })
  .meta({ id: 'Balance' });

/**
 * An account as the published client knows it (identity-service.md §1.10). `balance` is there where
 * the consent includes balances, the members of `details` where it includes account details.
 */
export const accountSchema = z
  .object({
    id: z.uuid(),
    accountName: z.string(),
    currency: z.string(),
    balance: balanceSchema.optional(),
    accountReference: z.string().optional(),
    accountType: z.enum(['personal', 'business']),
    type: z.string(),
    details: z.object({
      sortCodeAccountNumber: z.string().optional(),
      iban: z.string().optional(),
    }),
    providerId: z.string(),
    providerName: z.string(),
    connectionId: z.string(),
    dateAdded: timestamp,
    dateModified: timestamp,
  })
  .meta({ id: 'Account' });

/** @returns the account in the form of {@link accountSchema}. */
export function describeAccount(account: ReadableAccount) {
  const { bank } = account;
  const { sortCode, accountNumber, iban } = bank.identification ?? {};
  return {
    id: account.id,
    accountName: bank.name,
    currency: bank.currency,
    ...(bank.balance && { balance: describeBalance(bank.balance, bank.currency) }),
    ...(accountNumber !== undefined && { accountReference: accountNumber.slice(-4) }),
    accountType: bank.holder,
    type: bank.type,
    details: {
      ...(sortCode !== undefined &&
        accountNumber !== undefined && { sortCodeAccountNumber: `${sortCode}${accountNumber}` }),
      ...(iban !== undefined && { iban }),
    },
    providerId: account.institutionId,
    providerName: account.institutionName,
    connectionId: account.connectionId,
    dateAdded: account.dateAdded,
    dateModified: account.dateModified,
  } satisfies z.input<typeof accountSchema>;
}

/** @returns a balance in the form of {@link balanceSchema}. */
export function describeBalance(
  balance: NonNullable<ReadableAccount['bank']['balance']>,
  currency: string,
) {
  return { amount: describeAmount(balance.amount, currency), date: balance.at };
}
