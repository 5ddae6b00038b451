import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import type { Client, Provider } from 'oidc-provider';
import { clockTolerance } from '../clock-tolerance.js';
import { verifyWithClientKeys } from '../internals.js';
import { requestSigningAlgorithms } from '../profiles/profiles.js';

/** A request object that its client has signed. */
export interface VerifiedRequest {
  readonly client: Client;
  readonly claims: JWTPayload;
}

/**
 * Verifies a request object as the library does where it is used (RFC 9101 §6): signature, `iss`, `aud`
 * and times. An unsecured one never verifies.
 * @returns undefined where it does not.
 */
export async function verifyRequestObject(
  provider: Provider,
  request: string,
): Promise<VerifiedRequest | undefined> {
  try {
    const { client_id: named, iss } = decodeJwt(request);
    const client = await provider.Client.find(String(named ?? iss));
    const { alg = 'none' } = decodeProtectedHeader(request);
    if (!client || !requestSigningAlgorithms(client).includes(alg)) return undefined;
    const expected = { audience: provider.issuer, clockTolerance };
    return { client, claims: await verifyWithClientKeys(client, request, expected) };
  } catch {
    // Whatever is wrong with it, or with the client's keys: nobody has signed it.
    return undefined;
  }
}
