import type { Collection, Storage, Stored } from './storage.js';

const pageSize = 1000;

/** Some of what there is, and how many there are in all. */
interface Page<Value> {
  readonly records: readonly Stored<Value>[];
  readonly values: readonly Value[];
  readonly total: number;
}

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
): Promise<Page<Value>> {
  const found: Stored<Value>[] = [];
  let after: string | undefined;
  let toSkip = offset;
  do {
    const size = Math.min(toSkip + limit - found.length, pageSize);
    const { records, next } = await storage.find(collection, { ...query, limit: size, after });
    found.push(...records.slice(toSkip));
    toSkip = Math.max(0, toSkip - records.length);
    after = next;
  } while (after !== undefined && found.length < limit);
  const total = await storage.count(collection, query.index, query.equals);
  return { records: found, values: found.map(({ value }) => value), total };
}
