import { decodeJwt } from 'jose';
import { z } from 'zod';
import { parseJson } from '../../core/parse-json.js';
import type { InteractionSession } from '../interaction-session.js';

/** What a client calls a person (OpenID Connect Core §8). */
export type SubjectOf = (accountId: string, clientId: string) => Promise<string>;

const claimsSchema = z.object({ id_token: z.object({ sub: z.object({ value: z.unknown() }) }) });

/**
 * Whether a person is the one whom the request names, if it names one: by `id_token_hint`, which the
 * library has verified, or by the value of `sub` (OpenID Connect Core §3.1.2.1, §5.5.1).
 */
export async function isAskedFor(
  { params, client }: Pick<InteractionSession, 'params' | 'client'>,
  customerId: string,
  subjectOf: SubjectOf,
): Promise<boolean> {
  const { id_token_hint: hint, claims } = params;
  const named = claimsSchema.safeParse(parseJson(claims)).data?.id_token.sub.value;
  const hinted = typeof hint === 'string' ? decodeJwt(hint).sub : undefined;
  const asked = [named, hinted].filter((subject) => subject !== undefined);
  if (asked.length === 0) return true;
  const subject = await subjectOf(customerId, client.client_id);
  return asked.every((one) => one === subject);
}
