import { isDeepStrictEqual } from 'node:util';
import type { Account, BankAccountRecord } from './account.js';
import type { Connection } from './connection.js';
import { deriveUuid } from './derive-uuid.js';
import type { BankAccount } from './institution.js';

/**
 * The accounts of a connection after a fetch, in the bank's order. An account keeps its id for the
 * connection's life, also where the bank names it anew after a reauth and only the account number
 * tells that it is the same.
 */
export function matchAccounts(
  connection: Connection,
  known: readonly Account[],
  fetched: readonly BankAccount[],
  at: Date,
): readonly Account[] {
  const upstreamIds = new Set(fetched.map(({ upstreamId }) => upstreamId));
  const renamed = known.filter(({ bank }) => !upstreamIds.has(bank.upstreamId));
  return distinct(fetched).map((account) => {
    const bank = toRecord(account);
    const earlier =
      known.find((candidate) => candidate.bank.upstreamId === bank.upstreamId) ??
      findByIdentification(renamed, bank);
    const now = at.toISOString();
    if (earlier) {
      const dateModified = isDeepStrictEqual(earlier.bank, bank) ? earlier.dateModified : now;
      return { ...earlier, bank, dateModified };
    }
    return {
      id: deriveUuid('account', connection.id, bank.upstreamId),
      connectionId: connection.id,
      userId: connection.userId,
      institutionId: connection.institutionId,
      institutionName: connection.institutionName,
      bank,
      dateAdded: now,
      dateModified: now,
    };
  });
}

/** Whether all the bank shows is known already, under its name or only its number, and it shows some. */
export function showsOnlyKnown(
  known: readonly Account[],
  fetched: readonly BankAccount[],
): boolean {
  return (
    fetched.length > 0 &&
    fetched.every(
      (account) =>
        known.some(({ bank }) => bank.upstreamId === account.upstreamId) ||
        findByIdentification(known, toRecord(account)) !== undefined,
    )
  );
}

/** The account of the same number, where exactly one has it. */
function findByIdentification(known: readonly Account[], bank: BankAccountRecord) {
  const { identification } = bank;
  if (!identification || Object.keys(identification).length === 0) return undefined;
  const same = known.filter((candidate) =>
    isDeepStrictEqual(candidate.bank.identification, identification),
  );
  return same.length === 1 ? same[0] : undefined;
}

function distinct(fetched: readonly BankAccount[]): readonly BankAccount[] {
  return [...new Map(fetched.map((account) => [account.upstreamId, account])).values()];
}

/** As JSON keeps it, so that it equals what is read back. */
function toRecord({ balance, identification, ...basic }: BankAccount): BankAccountRecord {
  return {
    ...basic,
    ...(balance && { balance: { amount: balance.amount, at: balance.at.toISOString() } }),
    ...(identification && { identification: { ...identification } }),
  };
}
