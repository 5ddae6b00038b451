import type { Collection, Page, Query, Storage, Stored } from './storage.js';

const pageSize = 1000;

/** The records of a query, but not many more than `most`, for what grows with the number of people. */
export async function findUpTo<Value>(
  storage: Pick<Storage, 'find'>,
  collection: Collection<Value>,
  query: Omit<Query, 'limit' | 'after'>,
  most: number,
): Promise<{ readonly records: readonly Stored<Value>[]; readonly isComplete: boolean }> {
  const records: Stored<Value>[] = [];
  let after: string | undefined;
  do {
    const page: Page<Value> = await storage.find(collection, { ...query, limit: pageSize, after });
    records.push(...page.records);
    after = page.next;
  } while (after !== undefined && records.length < most);
  return { records, isComplete: after === undefined };
}
