import { z } from 'zod';
import {
  type BankAccount,
  type BankSession,
  type BankTransaction,
  InstitutionError,
} from '../../core/institution.js';
import type { ResourceClient } from './resource-client.js';
import {
  accountDocument,
  balanceDocument,
  chooseBalance,
  createTransactionMapper,
  toBankAccount,
  transactionDocument,
} from './resource-documents.js';

const accountPage = z.object({ Account: z.array(accountDocument).default([]) });
const balancePage = z.object({ Balance: z.array(balanceDocument) });
const transactionPage = z.object({ Transaction: z.array(transactionDocument).default([]) });

/** The port's session over the account information API. */
export function createBankSession(client: ResourceClient): BankSession {
  const readsBalances = client.authorization.permissions.includes('ReadBalances');

  async function balanceOf(
    account: z.output<typeof accountDocument>,
  ): Promise<BankAccount['balance']> {
    const resource = `accounts/${encodeURIComponent(account.AccountId)}/balances`;
    try {
      const pages = await client.all(resource, balancePage);
      return chooseBalance(
        pages.flatMap(({ Balance }) => Balance),
        account,
      );
    } catch (error) {
      // An account without a balance (some loans) must not hide the others.
      if (error instanceof InstitutionError && error.code === 'refused') return undefined;
      throw error;
    }
  }

  return {
    get authorization() {
      return { ...client.authorization };
    },

    async accounts() {
      const pages = await client.all('accounts', accountPage);
      const accounts = pages.flatMap(({ Account }) => Account);
      return Promise.all(
        accounts.map(async (account) =>
          toBankAccount(account, readsBalances ? await balanceOf(account) : undefined),
        ),
      );
    },

    async *transactions(upstreamAccountId, { from, to }) {
      const account = encodeURIComponent(upstreamAccountId);
      const query = new URLSearchParams({
        fromBookingDateTime: toFilter(from),
        toBookingDateTime: toFilter(new Date(to.getTime() + 999)),
      });
      const toBankTransaction = createTransactionMapper();
      const pages = client.pages(`accounts/${account}/transactions?${query}`, transactionPage);
      for await (const { Transaction } of pages) {
        yield Transaction.map(toBankTransaction).filter(
          (transaction): transaction is BankTransaction =>
            transaction !== undefined && transaction.bookedAt >= from && transaction.bookedAt < to,
        );
      }
    },
  };
}

/** v3.1 filters have whole seconds and no offset, and include both ends. */
function toFilter(date: Date): string {
  return date.toISOString().slice(0, 19);
}
