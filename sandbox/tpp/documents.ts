import { z } from 'zod';

/** What the application reads of the API's answers. */
const money = z.object({ value: z.number(), currency: z.string() });

const account = z.object({
  id: z.string(),
  accountName: z.string(),
  type: z.string(),
  balance: z.object({ amount: money }).nullish(),
  details: z
    .looseObject({ sortCodeAccountNumber: z.string().nullish(), iban: z.string().nullish() })
    .nullish(),
});

const transaction = z.object({
  id: z.string(),
  date: z.coerce.date(),
  amount: money,
  longDescription: z.string(),
});

export const registeredUser = z.object({ userId: z.string() });
export const accountsDocument = z.object({ data: z.array(account) });
export const transactionsDocument = z.object({
  data: z.array(transaction),
  links: z.object({ next: z.string().nullish() }).nullish(),
});

export type AccountDocument = z.output<typeof account>;
export type TransactionsDocument = z.output<typeof transactionsDocument>;
