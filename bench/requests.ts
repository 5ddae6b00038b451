import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';
import { codeChallenge, codeVerifier } from './seed-models.js';
import type { ServerProcess } from './start-server.js';
import { benchClientId, clientScope, type Material, redirectUri, visitScope } from './workspace.js';

/** A request ready to be sent: a form, POSTed. */
export interface PreparedRequest {
  readonly path: string;
  readonly body: string;
  readonly expectedStatus: number;
}

/** What is measured, in the order of the report. */
export const endpoints = [
  'client_credentials',
  'pushed request',
  'code exchange',
  'refresh',
] as const;
export type Endpoint = (typeof endpoints)[number];

type Form = Readonly<Record<string, string>>;

/** Makes requests of distinct assertions, codes and tokens, so that measuring only sends them. */
export async function createRequestMaker(server: ServerProcess, { clientKey }: Material) {
  const { issuer, token, pushedAuthorizationRequest } = server.place;
  const key = await importJWK(clientKey, 'ES256');

  function signAssertion(clientId: string): Promise<string> {
    return new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: clientKey.kid ?? '' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setIssuedAt()
      .setExpirationTime('30m')
      .sign(key);
  }

  async function prepare(endpoint: Endpoint, form: Form, clientId = benchClientId) {
    const isPushed = endpoint === 'pushed request';
    const body = new URLSearchParams({
      ...form,
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await signAssertion(clientId),
    });
    return {
      path: new URL(isPushed ? pushedAuthorizationRequest : token).pathname,
      body: body.toString(),
      expectedStatus: isPushed ? 201 : 200,
    };
  }

  async function makeForms(endpoint: Endpoint, count: number): Promise<readonly Form[]> {
    switch (endpoint) {
      case 'client_credentials':
        return Array<Form>(count).fill({ grant_type: 'client_credentials', scope: clientScope });
      case 'pushed request':
        return Array<Form>(count).fill(visit);
      case 'code exchange':
        return (await server.seed('AuthorizationCode', count)).map((code) => ({
          grant_type: 'authorization_code',
          code,
          code_verifier: codeVerifier,
          redirect_uri: redirectUri,
        }));
      case 'refresh':
        return (await server.seed('RefreshToken', count)).map((refreshToken) => ({
          grant_type: 'refresh_token',
          refresh_token: refreshToken,
        }));
    }
  }

  let turn = 0;

  return {
    async make(endpoint: Endpoint, count: number): Promise<readonly PreparedRequest[]> {
      const forms = await makeForms(endpoint, count);
      return Promise.all(forms.map((form) => prepare(endpoint, form)));
    },
    /** `client_credentials` of `client-0`, `client-1`… in turn, going on where the last ones ended. */
    async makeOfMany(clients: number, count: number): Promise<readonly PreparedRequest[]> {
      const [form = {}] = await makeForms('client_credentials', 1);
      return Promise.all(
        Array.from({ length: count }, () =>
          prepare('client_credentials', form, `client-${turn++ % clients}`),
        ),
      );
    },
  };
}

const visit: Form = {
  response_type: 'code',
  redirect_uri: redirectUri,
  scope: visitScope,
  prompt: 'consent',
  state: 'f0a1b2c3d4e5f60718293a4b5c6d7e8f',
  nonce: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
  code_challenge: codeChallenge,
  code_challenge_method: 'S256',
};
