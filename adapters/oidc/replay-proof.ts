import { hash } from 'node:crypto';
import { decodeJwt } from 'jose';

/** What a record of ReplayDetection stands for; a second use of each is answered differently. */
export type ReplayProof = 'client_assertion' | 'dpop';

/** What is asked of the request at hand, `Provider.ctx`. */
interface RequestContext {
  get(header: string): string;
  readonly oidc: { readonly body?: { readonly client_assertion?: unknown } | undefined };
}

/**
 * Tells which proof of the request the library is marking as used. It names a record by
 * SHA-256 of issuer and `jti` alone, so where a request carries both kinds, the id is compared.
 */
export function identifyProof(id: string, ctx: RequestContext | undefined): ReplayProof {
  if (!ctx?.get('DPoP')) return 'client_assertion';
  const assertion = ctx.oidc.body?.client_assertion;
  if (typeof assertion !== 'string') return 'dpop';
  const { iss, jti } = decodeJwt(assertion);
  return hash('sha256', `${iss}${jti}`, 'base64url') === id ? 'client_assertion' : 'dpop';
}
