import { decodeJwt, decodeProtectedHeader } from 'jose';
import { errors } from 'oidc-provider';
import { z } from 'zod';
import { nestsDeeper } from '../../http/nests-deeper.js';

/** More than any claims request needs; the library copies and writes JSON, which thousands overflow. */
const deepest = 32;

/** JSON may give an object a `toString` of its own, and the library makes text of whatever it is given. */
const writable = z.unknown().refine((value) => {
  try {
    return typeof String(value) === 'string';
  } catch {
    return false;
  }
});

const tokenSchema = z.object({
  // RFC 7515 §4.1.
  header: z.looseObject({
    alg: z.string().optional(),
    typ: z.string().optional(),
    kid: z.string().optional(),
  }),
  claims: z
    .record(z.string(), writable)
    // The library takes an empty one for one that is there first, and then for none.
    .refine((claims) => claims.response_type !== ''),
});

/**
 * Holds the JSON of a request's parameters to what can be read: how deep it is nested, in `claims`,
 * `authorization_details`, request objects and assertions, and of what types the members of a JWT are.
 * @throws {errors.InvalidRequest} naming the parameter. What is no JSON or JWT is left to the library.
 */
export function assertReadable(parameters: URLSearchParams): void {
  for (const [name, parse] of Object.entries(structured)) {
    for (const text of parameters.getAll(name)) assertParsable(name, parse, text);
  }
}

/**
 * Holds a JWT to the same that comes inside another, where the parameters do not show it.
 * @throws {errors.InvalidRequest} naming it. What is no JWT is left to who reads it.
 */
export function assertReadableToken(name: string, token: string): void {
  assertParsable(name, decodeToken, token);
}

function assertParsable(name: string, parse: Parse, text: string): void {
  const fault = findFault(parse, text);
  if (fault !== undefined) throw new errors.InvalidRequest(`${name} ${fault}`);
}

type Parse = (text: string) => unknown;

const structured: Readonly<Record<string, Parse>> = {
  authorization_details: JSON.parse,
  claims: JSON.parse,
  request: decodeToken,
  client_assertion: decodeToken,
  assertion: decodeToken,
};

function decodeToken(token: string): unknown {
  return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
}

function findFault(parse: Parse, text: string): string | undefined {
  const value = parsed(parse, text);
  if (nestsDeeper(value, deepest)) return 'is nested too deeply';
  if (parse !== decodeToken || value === undefined) return undefined;
  return tokenSchema.safeParse(value).success ? undefined : 'has a malformed member';
}

function parsed(parse: Parse, text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
