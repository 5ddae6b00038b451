import { z } from 'zod';
import { parseJson } from './parse-json.js';

const intentRequest = z.object({ openbanking_intent_id: z.object({ value: z.string().max(128) }) });

const claimsSchema = z.object({
  id_token: intentRequest.optional().catch(undefined),
  userinfo: intentRequest.optional().catch(undefined),
});

/**
 * The intent that an authorization request is about: `openbanking_intent_id` in its `claims` (UK Open
 * Banking security profile). The ID token's counts; undefined where there is none.
 */
export function readIntentId(claims: unknown): string | undefined {
  const parsed = claimsSchema.safeParse(parseJson(claims));
  const { id_token, userinfo } = parsed.data ?? {};
  return (id_token ?? userinfo)?.openbanking_intent_id.value;
}
