import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { ClientKeys } from './client-keys.js';
import { seededRedirectUri } from './seed-code.js';
import type { RunningAssent } from './start-assent.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export const verifier = randomBytes(32).toString('base64url');
export const challenge = {
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  code_challenge_method: 'S256',
};

/** An authorization request for a connection of a FAPI client, as `seedVisit` answers it. */
export const authorizationRequest = {
  response_type: 'code',
  redirect_uri: seededRedirectUri,
  scope: 'openid id:test accounts:read',
  ...challenge,
};

export const epoch = () => Math.floor(Date.now() / 1000);

/** What a client of `private_key_jwt` or, with a `fetch` that shows its certificate, mTLS sends. */
export function createFapiClient(
  assent: RunningAssent,
  clientId: string,
  keys: ClientKeys,
  options: {
    readonly fetch?: RunningAssent['fetch'];
    readonly certificateOnly?: boolean;
    /** Seconds since the epoch. */
    readonly now?: () => number;
  } = {},
) {
  const { fetch = assent.fetch, certificateOnly = false, now: time = epoch } = options;
  const base = options.fetch ? assent.configuration.mtlsUrl : assent.configuration.publicUrl;

  async function authentication(claims: JWTPayload = {}) {
    if (certificateOnly) return { client_id: clientId };
    const now = time();
    return keys.assertion(clientId, assent.issuer, { iat: now, exp: now + 60, ...claims });
  }

  async function post(
    path: string,
    form: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`${base}${path}`, {
      method: 'POST',
      body: new URLSearchParams(form).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
    const text = await response.text();
    const headersOf = new Headers([...response.headers]);
    return { status: response.status, headers: headersOf, body: text ? JSON.parse(text) : {} };
  }

  const urlOf = (query: Record<string, string>) => `/oidc/auth?${new URLSearchParams(query)}`;

  /** A request object, valid but for the claims and the header given; `undefined` leaves one out. */
  function requestObject(
    claims: Readonly<Record<string, unknown>> = {},
    header: { typ?: string } = {},
  ) {
    const now = time();
    const all = {
      iss: clientId,
      aud: assent.issuer,
      client_id: clientId,
      nbf: now,
      exp: now + 300,
      ...authorizationRequest,
      ...claims,
    };
    return keys.sign(JSON.parse(JSON.stringify(all)), { typ: 'oauth-authz-req+jwt', ...header });
  }

  return {
    clientId,
    post,
    urlOf,
    requestObject,
    authentication,
    /** Pushes parameters as they are; `claims` are those of the assertion. */
    async push(form: Record<string, string>, claims: JWTPayload = {}, headers = {}) {
      return post('/oidc/request', { ...(await authentication(claims)), ...form }, headers);
    },
    async token(form: Record<string, string>, headers = {}, claims: JWTPayload = {}) {
      return post('/oidc/token', { ...(await authentication(claims)), ...form }, headers);
    },
    async redeem(code: string, form: Record<string, string> = {}, headers = {}) {
      const all = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: seededRedirectUri,
        code_verifier: verifier,
        ...form,
      };
      return post('/oidc/token', { ...(await authentication()), ...all }, headers);
    },
    /** Where a browser is sent with what was pushed. */
    visitUrl: ({ body }: Answer) =>
      urlOf({ client_id: clientId, request_uri: String(body.request_uri) }),
  };
}

export type FapiClient = ReturnType<typeof createFapiClient>;

/** A DPoP key and the proofs it makes (RFC 9449 §4.2). */
export async function createDpopKey(alg: 'ES256' | 'EdDSA' = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);

  async function proof(
    method: string,
    url: string,
    claims: JWTPayload = {},
    header: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    return new SignJWT({ htm: method, htu: url, iat: epoch(), jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk, ...header })
      .sign(privateKey);
  }

  return {
    thumbprint: await calculateJwkThumbprint(jwk),
    privateKey,
    privateJwk: await exportJWK(privateKey),
    publicJwk: jwk,
    proof,
    header: async (method: string, url: string, claims: JWTPayload = {}) => ({
      DPoP: await proof(method, url, claims),
    }),
  };
}

export type DpopKey = Awaited<ReturnType<typeof createDpopKey>>;

/** What came back to the client, in the query, or in the fragment beside a query of its own. */
export function readReturn(location: string | null): Record<string, string> {
  const { searchParams, hash } = new URL(location ?? '');
  return Object.fromEntries([...searchParams, ...new URLSearchParams(hash.slice(1))]);
}
