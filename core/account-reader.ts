import type { AccessTokenFacts } from './access-token.js';
import { accounts } from './account.js';
import { type ReaderDeps, readConsentedConnections } from './consented-connections.js';
import { assertShared, type ReadableAccount, readableAccount } from './data-policy.js';
import { findAll } from './find-all.js';
import { Refusal } from './refusal.js';

/** Reads a person's accounts for a token, no further than `core/data-policy.ts` allows. */
export interface AccountReader {
  /** All of them, in the order they were added. @throws {Refusal} `forbidden` */
  list(token: AccessTokenFacts): Promise<readonly ReadableAccount[]>;
  /**
   * @throws {Refusal} `forbidden` for an account that its person shares no more, `not_found` for any
   * other that the token cannot read.
   */
  get(token: AccessTokenFacts, id: string): Promise<ReadableAccount>;
  /** As {@link get}. @throws {Refusal} also `forbidden` where balances are not shared. */
  getWithBalance(token: AccessTokenFacts, id: string): Promise<ReadableAccount>;
}

/** See {@link AccountReader}; a list costs three reads of the store. */
export function createAccountReader(deps: ReaderDeps): AccountReader {
  const { storage } = deps;

  async function read(token: AccessTokenFacts, id: string) {
    const [readable, stored] = await Promise.all([
      readConsentedConnections(deps, token),
      storage.get(accounts, id),
    ]);
    if (!stored || stored.value.userId !== token.subject || readable.length === 0) {
      throw new Refusal('not_found', 'There is no such account for this token');
    }
    for (const connection of readable) {
      const account = readableAccount(stored.value, connection);
      if (account) return { account, connection };
    }
    throw new Refusal('forbidden', 'The person does not share this account');
  }

  return {
    async list(token) {
      const [readable, stored] = await Promise.all([
        readConsentedConnections(deps, token),
        findAll(storage, accounts, { index: 'user', equals: token.subject ?? '' }),
      ]);
      assertShared(readable, (connection) => connection.accounts, 'accounts');
      return stored
        .flatMap(({ value }) => readable.map((connection) => readableAccount(value, connection)))
        .filter((account) => account !== undefined)
        .sort((one, other) => compare(orderOf(one), orderOf(other)));
    },

    get: async (token, id) => (await read(token, id)).account,

    async getWithBalance(token, id) {
      const { account, connection } = await read(token, id);
      assertShared([connection], ({ balances }) => balances, 'balances');
      return account;
    },
  };
}

function orderOf({ dateAdded, id }: ReadableAccount): string {
  return `${dateAdded}|${id}`;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
