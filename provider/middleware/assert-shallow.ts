import { decodeJwt, decodeProtectedHeader } from 'jose';
import { errors } from 'oidc-provider';
import { nestsDeeper } from '../../http/nests-deeper.js';

/** More than any claims request needs; the library copies and writes JSON, which thousands overflow. */
const deepest = 32;

/**
 * Bounds how deep the JSON of a request's parameters is nested: in `claims`, in request objects and in
 * client assertions.
 * @throws {errors.InvalidRequest} naming the parameter. What is no JSON or JWT is left to the library.
 */
export function assertShallow(parameters: URLSearchParams): void {
  for (const [name, parse] of Object.entries(structured)) {
    for (const text of parameters.getAll(name)) {
      if (nestsDeeper(parsed(parse, text), deepest)) {
        throw new errors.InvalidRequest(`${name} is nested too deeply`);
      }
    }
  }
}

type Parse = (text: string) => unknown;

const structured: Readonly<Record<string, Parse>> = {
  authorization_details: JSON.parse,
  claims: JSON.parse,
  request: decodeToken,
  client_assertion: decodeToken,
};

function decodeToken(token: string): unknown {
  return [decodeProtectedHeader(token), decodeJwt(token)];
}

function parsed(parse: Parse, text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
