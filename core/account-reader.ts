import type { AccessTokenFacts } from './access-token.js';
import { accounts } from './account.js';
import { type ReaderDeps, readConsentedConnections } from './consented-connections.js';
import { type ReadableAccount, readableAccount } from './data-policy.js';
import { findAll } from './find-all.js';
import { Refusal } from './refusal.js';

/** Reads a person's accounts for a token, no further than `core/data-policy.ts` allows. */
export interface AccountReader {
  /** All of them, in the order they were added. @throws {Refusal} `forbidden` */
  list(token: AccessTokenFacts): Promise<readonly ReadableAccount[]>;
  /** @throws {Refusal} `not_found` for an account that the token cannot read. */
  get(token: AccessTokenFacts, id: string): Promise<ReadableAccount>;
}

/** See {@link AccountReader}; a list costs three reads of the store. */
export function createAccountReader(deps: ReaderDeps): AccountReader {
  const { storage } = deps;
  return {
    async list(token) {
      const [readable, stored] = await Promise.all([
        readConsentedConnections(deps, token),
        findAll(storage, accounts, { index: 'user', equals: token.subject ?? '' }),
      ]);
      return stored
        .flatMap(({ value }) => readable.map((connection) => readableAccount(value, connection)))
        .filter((account) => account !== undefined)
        .sort((one, other) => compare(orderOf(one), orderOf(other)));
    },

    async get(token, id) {
      const [readable, stored] = await Promise.all([
        readConsentedConnections(deps, token),
        storage.get(accounts, id),
      ]);
      const [account] = readable
        .map((connection) => stored && readableAccount(stored.value, connection))
        .filter((found) => found !== undefined);
      if (!account) throw new Refusal('not_found', 'There is no such account for this token');
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
