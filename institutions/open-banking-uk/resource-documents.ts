import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { BankAccount, BankTransaction } from '../../core/institution.js';
import { parseMinorUnits } from '../../core/minor-units.js';

/** `ISODateTime`; banks that leave the offset out mean UTC. */
const dateTime = z.iso
  .datetime({ offset: true, local: true })
  .transform((text) => new Date(/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`));

const currency = z.string().regex(/^[A-Z]{3}$/);

/** `Amount` and `CreditDebitIndicator` together: minor units, negative for a debit. */
const signedAmount = {
  CreditDebitIndicator: z.enum(['Credit', 'Debit']),
  Amount: z.object({ Amount: z.string(), Currency: currency }).transform((amount, context) => {
    try {
      return {
        minorUnits: parseMinorUnits(amount.Amount, amount.Currency),
        currency: amount.Currency,
      };
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      context.addIssue(cause.message);
      return z.NEVER;
    }
  }),
};

function sign(indicator: 'Credit' | 'Debit', minorUnits: number): number {
  return indicator === 'Debit' && minorUnits !== 0 ? -minorUnits : minorUnits;
}

/** The identity service's types for `OBExternalAccountSubType1Code`. */
const accountTypes: ReadonlyMap<string, string> = new Map([
  ['ChargeCard', 'card'],
  ['CreditCard', 'card'],
  ['PrePaidCard', 'card'],
  ['CurrentAccount', 'cash:current'],
  ['EMoney', 'cash:current'],
  ['Loan', 'loan'],
  ['Mortgage', 'mortgage:repayment'],
  ['Savings', 'savings'],
]);

/** `OBReadAccount6` › Account. */
export const accountDocument = z.object({
  AccountId: z.string().min(1).max(128),
  Currency: currency,
  AccountType: z.string(),
  AccountSubType: z.string(),
  Nickname: z.string().optional(),
  Description: z.string().optional(),
  Account: z
    .array(z.object({ SchemeName: z.string(), Identification: z.string().max(256) }))
    .default([]),
});

export function toBankAccount(
  account: z.output<typeof accountDocument>,
  balance: BankAccount['balance'],
): BankAccount {
  const identification = toIdentification(account.Account);
  return {
    upstreamId: account.AccountId,
    name: account.Nickname ?? account.Description ?? account.AccountSubType,
    type: accountTypes.get(account.AccountSubType) ?? 'cash:current',
    holder: account.AccountType === 'Business' ? 'business' : 'personal',
    currency: account.Currency,
    ...(balance && { balance }),
    ...(identification && { identification }),
  };
}

function toIdentification(
  entries: z.output<typeof accountDocument>['Account'],
): BankAccount['identification'] {
  const find = (scheme: string) =>
    entries.find(({ SchemeName }) => SchemeName === scheme)?.Identification;
  const [, sortCode, accountNumber] =
    /^(\d{6})(\d{8})$/.exec(find('UK.OBIE.SortCodeAccountNumber') ?? '') ?? [];
  const iban = find('UK.OBIE.IBAN');
  if (sortCode === undefined && iban === undefined) return undefined;
  return {
    ...(sortCode !== undefined && accountNumber !== undefined && { sortCode, accountNumber }),
    ...(iban !== undefined && { iban }),
  };
}

/** `OBReadBalance1` › Balance. */
export const balanceDocument = z.object({
  AccountId: z.string(),
  Type: z.string(),
  DateTime: dateTime,
  ...signedAmount,
});

// What the account holds, before what could be spent of it.
const balanceTypes = ['InterimBooked', 'ClosingBooked', 'InterimAvailable', 'ClosingAvailable'];

/** The balance of an account among those that the bank states for it, in the account's currency. */
export function chooseBalance(
  balances: readonly z.output<typeof balanceDocument>[],
  account: { readonly AccountId: string; readonly Currency: string },
): BankAccount['balance'] {
  const own = balances.filter(
    ({ AccountId, Amount }) =>
      AccountId === account.AccountId && Amount.currency === account.Currency,
  );
  const preferred = balanceTypes.flatMap((type) => own.filter(({ Type }) => Type === type));
  const chosen = preferred[0] ?? own[0];
  if (!chosen) return undefined;
  const { CreditDebitIndicator, Amount, DateTime } = chosen;
  return { amount: sign(CreditDebitIndicator, Amount.minorUnits), at: DateTime };
}

/** `OBReadTransaction6` › Transaction. */
export const transactionDocument = z.object({
  TransactionId: z.string().min(1).max(210).optional(),
  TransactionReference: z.string().optional(),
  Status: z.enum(['Booked', 'Pending', 'Rejected']),
  BookingDateTime: dateTime,
  TransactionInformation: z.string().optional(),
  MerchantDetails: z.object({ MerchantName: z.string().optional() }).optional(),
  ...signedAmount,
});

/**
 * Maps the transactions of one reading; what the bank rejected never moved money and is left out.
 * The standard lets a bank leave `TransactionId` out; then the id is made of what does not change,
 * and of a count where two are alike, which share their time and so are always read together.
 */
export function createTransactionMapper(): (
  transaction: z.output<typeof transactionDocument>,
) => BankTransaction | undefined {
  const seen = new Map<string, number>();
  return (transaction) => {
    if (transaction.Status === 'Rejected') return undefined;
    const { TransactionInformation, TransactionReference, MerchantDetails, Amount } = transaction;
    const amount = sign(transaction.CreditDebitIndicator, Amount.minorUnits);
    const description =
      TransactionInformation ?? MerchantDetails?.MerchantName ?? TransactionReference ?? '';
    const bookedAt = transaction.BookingDateTime;

    function deriveId(): string {
      const facts = JSON.stringify([bookedAt, amount, Amount.currency, description]);
      const count = seen.get(facts) ?? 0;
      seen.set(facts, count + 1);
      return createHash('sha256').update(`${facts}${count}`).digest('base64url');
    }

    return {
      upstreamId: transaction.TransactionId ?? deriveId(),
      bookedAt,
      amount,
      currency: Amount.currency,
      description,
      status: transaction.Status === 'Booked' ? 'posted' : 'pending',
    };
  };
}
