import type { Collection, Storage, Stored } from './storage.js';

const pageSize = 1000;

/**
 * Every record under one index value, or in a half-open range of the index. For what one person has;
 * never for what grows with the number of people.
 */
export async function findAll<Value>(
  storage: Pick<Storage, 'find'>,
  collection: Collection<Value>,
  query: { readonly index: string } & (
    | { readonly equals: string }
    | { readonly from: string; readonly to?: string }
  ),
): Promise<readonly Stored<Value>[]> {
  const found: Stored<Value>[] = [];
  let after: string | undefined;
  do {
    const page = await storage.find(collection, { ...query, limit: pageSize, after });
    found.push(...page.records);
    after = page.next;
  } while (after !== undefined);
  return found;
}
