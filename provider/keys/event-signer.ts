import type { SignEvent } from '../../core/webhook-message.js';
import { SignerUnavailable } from './signer-unavailable.js';
import type { SigningKeys } from './signing-keys.js';

/**
 * Signs Security Event Tokens (RFC 8417) with the provider's own keys, so that `/oidc/certs` verifies
 * them: with the algorithm that the client is registered for where there is such a key, else with the
 * first one. No `typ`, as at the hosted service; that `iss` is not the issuer keeps them from being
 * taken for ID tokens.
 */
export function createEventSigner(keys: SigningKeys): SignEvent {
  return async function signEvent(claims, algorithm) {
    await keys.ready(algorithm);
    const key = keys.signerFor(algorithm) ?? keys.published().find(({ signs }) => signs);
    if (!key) throw new SignerUnavailable(new Error('there is no key'));
    const header = { alg: key.alg, kid: key.kid };
    const signed = [header, claims].map((part) => encode(JSON.stringify(part))).join('.');
    return `${signed}.${encode(await key.sign(Buffer.from(signed)))}`;
  };
}

function encode(part: string | Uint8Array): string {
  return Buffer.from(part).toString('base64url');
}
