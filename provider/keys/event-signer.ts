import { importJWK, type JWK, SignJWT } from 'jose';
import type { SignEvent } from '../../core/webhook-message.js';

/**
 * Signs Security Event Tokens (RFC 8417) with the provider's own keys, so that `/oidc/certs` verifies
 * them: with the algorithm that the client is registered for where there is such a key, else with the
 * first one. No `typ`, as at the hosted service; that `iss` is not the issuer keeps them from being
 * taken for ID tokens.
 */
export function createEventSigner(keys: readonly JWK[]): SignEvent {
  return async function signEvent(claims, algorithm) {
    const jwk = keys.find(({ alg }) => alg === algorithm) ?? keys[0];
    if (jwk?.kid === undefined || jwk.alg === undefined) throw new TypeError('no signing key');
    return new SignJWT(claims)
      .setProtectedHeader({ alg: jwk.alg, kid: jwk.kid })
      .sign(await importJWK(jwk));
  };
}
