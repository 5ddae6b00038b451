import * as client from 'openid-client';
import type { OperatorKey } from './operator-key.js';

export interface AdminCall {
  readonly method: string;
  /** Below `/admin/v1`, with its query. */
  readonly path: string;
  readonly body?: string | undefined;
  readonly ifMatch?: string | undefined;
}

/** What came back: the status, the entity tag of what it is about, and the body as text. */
export interface AdminAnswer {
  readonly status: number;
  readonly etag: string | null;
  readonly text: string;
}

/**
 * Calls the Admin API as an operator with a key: gets a token by `private_key_jwt` and presents it with
 * a proof of the same key (RFC 9449). @throws where the provider is out of reach or refuses the operator.
 */
export async function callAdminApi(operator: OperatorKey, call: AdminCall): Promise<AdminAnswer> {
  const { client_id: clientId, issuer, key } = operator;
  const [signing, proving] = await importKey(key);
  const server = new URL(issuer);
  const configuration = await client.discovery(
    server,
    clientId,
    undefined,
    client.PrivateKeyJwt({ key: signing, kid: String(key.kid) }),
  );
  const DPoP = client.getDPoPHandle(configuration, proving);
  // What is asked for is what the call needs, so that an operator who may do less still can.
  const what = /^\/keys\b/.test(call.path) ? 'keys' : 'clients';
  const isReading = call.method === 'GET' || /\/(?:dry-run|plan)(?:\?|$)/.test(call.path);
  const scope = isReading ? `${what}:read` : `${what}:read ${what}:write`;
  const tokens = await client
    .clientCredentialsGrant(configuration, { scope }, { DPoP })
    .catch((cause: unknown) => {
      if (!(cause instanceof client.ResponseBodyError)) throw cause;
      const message = `The provider gives this operator no token for ${scope}: ${cause.error}`;
      throw new Error(message, { cause });
    });
  const response = await client.fetchProtectedResource(
    configuration,
    tokens.access_token,
    new URL(`/admin/v1${call.path}`, server),
    call.method,
    call.body,
    new Headers({
      ...(call.body !== undefined && { 'content-type': 'application/json' }),
      ...(call.ifMatch !== undefined && { 'if-match': call.ifMatch }),
    }),
    { DPoP },
  );
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    text: await response.text(),
  };
}

async function importKey(jwk: OperatorKey['key']): Promise<[CryptoKey, client.CryptoKeyPair]> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const { d: _private, ...publicJwk } = jwk;
  const bare = ({ kty, crv, x, y, d }: Readonly<Record<string, unknown>>) =>
    JSON.parse(JSON.stringify({ kty, crv, x, y, d }));
  const privateKey = await crypto.subtle.importKey('jwk', bare(jwk), algorithm, false, ['sign']);
  const publicKey = await crypto.subtle.importKey('jwk', bare(publicJwk), algorithm, true, [
    'verify',
  ]);
  return [privateKey, { privateKey, publicKey }];
}
