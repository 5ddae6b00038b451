import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export type ClientKeys = Awaited<ReturnType<typeof createClientKeys>>;

/** A client's key pair with what it signs. */
export async function createClientKeys(alg: 'ES256' | 'PS256' | 'RS256' = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const kid = randomUUID();
  const publicJwk: JWK = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };

  function sign(claims: JWTPayload, header: { typ?: string } = {}): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
  }

  /** The form fields of a fresh `private_key_jwt` assertion. */
  async function assertion(clientId: string, audience: string | string[], claims: JWTPayload = {}) {
    const now = Math.floor(Date.now() / 1000);
    return {
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await sign({
        iss: clientId,
        sub: clientId,
        aud: audience,
        jti: randomUUID(),
        iat: now,
        exp: now + 60,
        ...claims,
      }),
    };
  }

  return { privateKey, publicJwk, jwks: { keys: [publicJwk] }, sign, assertion };
}
