import { z } from 'zod';

/** ISO 8601 in UTC, as every date and time of the API. */
export const timestamp = z.iso.datetime();

/** How many of a list, and from where on. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  offset: z.coerce.number().int().min(0).max(100_000).default(0),
};

/** The answer envelope of lists on the identity host (identity-service.md §1.2). */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    data: z.array(item),
    meta: z.object({ total: z.int(), limit: z.int(), offset: z.int() }),
  });
}

const links = z.object({
  self: z.string(),
  next: z.string().optional(),
  prev: z.string().optional(),
});

/** The answer envelope of the data API, where `links.self` is always present. */
export function linked<Data extends z.ZodType>(data: Data) {
  return z.object({ data, links, meta: z.object({}) });
}

/** The envelope of a data answer without further pages. @param self the URL that was asked for. */
export function linkedAnswer<Data>(data: Data, self: string) {
  return { data, links: { self }, meta: {} };
}
