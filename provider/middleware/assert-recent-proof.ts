import { decodeJwt } from 'jose';
import type { Context, Middleware, Next } from 'koa';
import { errors } from 'oidc-provider';
import type { Clock } from '../../core/clock.js';

/** As at our resources (`resource/dpop-proof.ts`), seconds. */
const acceptanceSeconds = 60;

/**
 * Refuses DPoP proofs of more than a minute ahead or ago (FAPI 2.0 SP §5.3.2.1-13, RFC 9449 §11.1). The
 * library takes five minutes either way and remembers a proof for five minutes from its use, so that one
 * made ahead of time would work a second time. An empty nonce it would answer with one, though it has none.
 */
export function assertRecentProof(clock: Clock): Middleware {
  return async function assertRecent(ctx: Context, next: Next) {
    const { iat: madeAt, nonce } = readClaims(ctx.get('DPoP'));
    if (nonce === '') throw new errors.InvalidDpopProof('DPoP proof nonce is empty');
    if (typeof madeAt === 'number' && Math.abs(clock.now() / 1000 - madeAt) > acceptanceSeconds) {
      throw new errors.InvalidDpopProof('DPoP proof iat is not recent enough');
    }
    await next();
  };
}

/** What is no proof is left to the library. */
function readClaims(proof: string): Readonly<Record<string, unknown>> {
  try {
    return decodeJwt(proof);
  } catch {
    return {};
  }
}
