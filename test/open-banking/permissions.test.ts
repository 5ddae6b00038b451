import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findTermsFault } from '../../core/intent.js';
import { type PermissionCode, permissionCodes } from '../../core/permissions.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { type BankApi, startBankApi } from './support/start-bank-api.js';

let bank: BankApi;

beforeAll(async () => {
  bank = await startBankApi((clock) => createDemoLedger({ clock }));
});
afterAll(() => bank.stop());

/** What the standard says each set opens, written down apart from the code. */
function expectedOf(permissions: readonly PermissionCode[]) {
  const has = (code: PermissionCode) => permissions.includes(code);
  const details = has('ReadTransactionsDetail');
  return {
    accounts: has('ReadAccountsBasic') || has('ReadAccountsDetail'),
    identification: has('ReadAccountsDetail'),
    balances: has('ReadBalances'),
    transactions: has('ReadTransactionsBasic') || details,
    information: details,
    directions: [
      ...(has('ReadTransactionsCredits') ? ['Credit'] : []),
      ...(has('ReadTransactionsDebits') ? ['Debit'] : []),
    ],
  };
}

test('every set of permissions opens what the standard says, and nothing else', async () => {
  // The codes with a resource here, in all sets, and the others strewn among them.
  const relevant = fc.subarray(
    permissionCodes.filter((code) => /^Read(Accounts|Balances|Transactions)/.test(code)),
    { minLength: 1 },
  );
  const others = fc.subarray(
    permissionCodes.filter((code) => !/Accounts|Balances|Trans/.test(code)),
  );
  await fc.assert(
    fc.asyncProperty(relevant, others, async (some, more) => {
      const permissions = [...more, ...some];
      if (findTermsFault({ permissions }, Date.now())) return;
      const { token } = await bank.share({
        customerId: 'cust-5e1d0c27',
        accountIds: ['22289'],
        terms: { permissions },
      });
      const expected = expectedOf(permissions);

      const accounts = await bank.get(token, '/accounts');
      expect(accounts.status).toBe(expected.accounts ? 200 : 403);
      const account = accounts.body.Data?.Account[0] ?? {};
      expect('Account' in account).toBe(expected.accounts && expected.identification);

      const balances = await bank.get(token, '/accounts/22289/balances');
      expect(balances.status).toBe(expected.balances ? 200 : 403);

      const transactions = await bank.get(token, '/accounts/22289/transactions');
      expect(transactions.status).toBe(expected.transactions ? 200 : 403);
      const entries: Record<string, unknown>[] = transactions.body.Data?.Transaction ?? [];
      expect(new Set(entries.map((entry) => entry.CreditDebitIndicator))).toEqual(
        new Set(expected.directions),
      );
      for (const entry of entries) {
        expect('TransactionInformation' in entry).toBe(expected.information);
      }
    }),
    { numRuns: 150 },
  );
});

test('what is refused at registration is exactly what the standard refuses', () => {
  const anySet = fc.subarray([...permissionCodes]);
  fc.assert(
    fc.property(anySet, (permissions) => {
      const reads = permissions.some((code) => /^ReadTransactions(Basic|Detail)$/.test(code));
      const directions = permissions.some((code) => /^ReadTransactions.*its$/.test(code));
      const isAllowed = permissions.length > 0 && reads === directions;
      expect(findTermsFault({ permissions }, 0) === undefined).toBe(isAllowed);
    }),
    { numRuns: 2_000 },
  );
});
