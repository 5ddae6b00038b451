import type { AccountAccess } from '../../core/authorization-details/detail-type.js';
import type { LedgerAccount, LedgerTransaction } from '../../core/bank-ledger.js';
import { formatMinorUnits } from '../../core/minor-units.js';
import { permits } from '../../core/permissions.js';

/** `OBReadAccount6` › Account: sort code and number only with ReadAccountsDetail. */
export function describeAccount(account: LedgerAccount, terms: AccountAccess) {
  return {
    AccountId: account.id,
    Status: 'Enabled',
    Currency: account.currency,
    AccountType: account.accountType,
    AccountSubType: account.accountSubType,
    Nickname: account.nickname,
    ...(permits(terms.permissions, 'ReadAccountsDetail') && {
      Account: [
        {
          SchemeName: 'UK.OBIE.SortCodeAccountNumber',
          Identification: `${account.sortCode}${account.accountNumber}`.replace(/\D/g, ''),
        },
      ],
    }),
  };
}

/** `OBReadBalance1` › Balance at a moment. */
export function describeBalance(account: LedgerAccount, at: Date) {
  return {
    AccountId: account.id,
    CreditDebitIndicator: indicate(account.balance),
    Type: 'InterimAvailable',
    DateTime: at.toISOString(),
    Amount: describeAmount(account.balance, account.currency),
  };
}

/** `OBReadTransaction6` › Transaction: what it was for only with ReadTransactionsDetail. */
export function describeTransaction(
  accountId: string,
  transaction: LedgerTransaction,
  terms: AccountAccess,
) {
  return {
    AccountId: accountId,
    TransactionId: transaction.id,
    CreditDebitIndicator: indicate(transaction.amount),
    Status: transaction.status,
    BookingDateTime: transaction.bookedAt.toISOString(),
    Amount: describeAmount(transaction.amount, transaction.currency),
    ...(permits(terms.permissions, 'ReadTransactionsDetail') && {
      TransactionInformation: transaction.information,
    }),
  };
}

function indicate(amount: number): 'Credit' | 'Debit' {
  return amount < 0 ? 'Debit' : 'Credit';
}

/** v3.1 amounts carry no sign; the indicator beside them does. @param amount in minor units. */
function describeAmount(amount: number, currency: string) {
  return { Amount: formatMinorUnits(Math.abs(amount), currency), Currency: currency };
}
