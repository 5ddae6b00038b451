import { z } from 'zod';
import { parseJson } from './parse-json.js';

const members = z.record(z.string(), z.unknown()).catch({});
const claimsSchema = z.object({ id_token: members, userinfo: members });

/** What an authorization request asks for claim by claim, wherever it is to be told (OpenID Connect Core §5.5). */
export function readAskedClaims(claims: unknown): readonly string[] {
  const { id_token, userinfo } = claimsSchema.safeParse(parseJson(claims)).data ?? {};
  return [...new Set(Object.keys({ ...id_token, ...userinfo }))];
}
