import { z } from 'zod';

/** How the claim `mh:sync` may be requested (identity-service.md §3.2). */
export const syncClaimSchema = z
  .object({ value: z.object({ enableAsync: z.boolean().default(false) }).optional() })
  .nullish();

const requestSchema = z.object({
  id_token: z.object({ 'mh:sync': syncClaimSchema }).optional(),
});

/**
 * Whether the client wants its tokens at once, and follows the first fetch by its id.
 * @param claims the parsed `claims` parameter, or undefined where there was none.
 */
export function wantsAsyncSync(claims: unknown): boolean {
  const { data } = requestSchema.safeParse(claims);
  return data?.id_token?.['mh:sync']?.value?.enableAsync ?? false;
}
