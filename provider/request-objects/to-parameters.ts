import type { JWTPayload } from 'jose';

/** Claims about the object and not about the request (RFC 9101 §4). */
const jwtClaims = new Set(['iss', 'aud', 'exp', 'iat', 'nbf', 'jti']);

/** The request that an object holds, as the parameters of a form or query; its objects are JSON. */
export function toParameters(claims: JWTPayload): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(claims)
      .filter(([name, value]) => !jwtClaims.has(name) && value !== undefined && value !== null)
      .map(([name, value]) => [
        name,
        typeof value === 'object' ? JSON.stringify(value) : String(value),
      ]),
  );
}
