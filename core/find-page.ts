import type { Collection, Storage } from './storage.js';

const pageSize = 1000;

/** A page of what one index value holds, as lists with `limit` and `offset` want it. */
export async function findPage<Value>(
  storage: Pick<Storage, 'find' | 'count'>,
  collection: Collection<Value>,
  query: {
    readonly index: string;
    readonly equals: string;
    readonly order: 'ascending' | 'descending';
  },
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ readonly values: readonly Value[]; readonly total: number }> {
  const values: Value[] = [];
  let after: string | undefined;
  let toSkip = offset;
  do {
    const size = Math.min(toSkip + limit - values.length, pageSize);
    const { records, next } = await storage.find(collection, { ...query, limit: size, after });
    values.push(...records.slice(toSkip).map(({ value }) => value));
    toSkip = Math.max(0, toSkip - records.length);
    after = next;
  } while (after !== undefined && values.length < limit);
  return { values, total: await storage.count(collection, query.index, query.equals) };
}
