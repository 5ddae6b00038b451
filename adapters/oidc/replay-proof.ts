import { hash } from 'node:crypto';
import { decodeJwt } from 'jose';

/** What a record of ReplayDetection stands for; a second use of each is answered differently. */
export type ReplayProof = 'client_assertion' | 'assertion' | 'dpop' | 'request';

/** What is asked of the request at hand, `Provider.ctx`. */
interface RequestContext {
  get(header: string): string;
  readonly oidc: {
    readonly body?:
      | {
          readonly client_assertion?: unknown;
          readonly assertion?: unknown;
          readonly request?: unknown;
        }
      | undefined;
  };
}

/**
 * Tells which proof of the request the library is marking as used. It names a record by
 * SHA-256 of issuer and `jti` alone, so where a request carries more than one kind, the id is compared.
 */
export function identifyProof(id: string, ctx: RequestContext | undefined): ReplayProof {
  const { client_assertion, assertion, request } = ctx?.oidc.body ?? {};
  if (request !== undefined && isNamed(id, request, requestUse)) return 'request';
  const rest = ctx?.get('DPoP') ? 'dpop' : 'client_assertion';
  if (rest === 'client_assertion' && assertion === undefined) return rest;
  if (isNamed(id, client_assertion)) return 'client_assertion';
  return isNamed(id, assertion) ? 'assertion' : rest;
}

/** What the mark of a request object says after the issuer: its `jti` may be an assertion's too. */
export const requestUse = ' request';

/** Whether the mark is of this token; what is no token names nothing. */
function isNamed(id: string, token: unknown, use = ''): boolean {
  try {
    const { iss, jti } = decodeJwt(String(token));
    return hash('sha256', `${iss}${use}${jti}`, 'base64url') === id;
  } catch {
    return false;
  }
}
