import { z } from 'zod';
import { parseJson } from './parse-json.js';

/** Asked for without a value, the claim names none; with anything else it names what nobody has. */
const intentRequest = z
  .object({ value: z.unknown().optional(), values: z.unknown().optional() })
  .transform(({ value, values }) => {
    if (value === undefined && values === undefined) return undefined;
    return typeof value === 'string' && value.length <= 128 ? value : '';
  });

const claimsSchema = z.object({
  id_token: z.object({ openbanking_intent_id: intentRequest }).optional().catch(undefined),
  userinfo: z.object({ openbanking_intent_id: intentRequest }).optional().catch(undefined),
});

/**
 * The intent that an authorization request is about: `openbanking_intent_id` in its `claims` (UK Open
 * Banking security profile). The ID token's counts.
 * @returns undefined where none is named; an empty text, which no intent is called, where what is named
 * cannot be one.
 */
export function readIntentId(claims: unknown): string | undefined {
  const parsed = claimsSchema.safeParse(parseJson(claims));
  const { id_token, userinfo } = parsed.data ?? {};
  return id_token?.openbanking_intent_id ?? userinfo?.openbanking_intent_id;
}
