import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import {
  type CertificatePair,
  issueAuthority,
  issueLeaf,
} from '../../../sandbox/issue-certificate.js';

/** A request as the bank saw it. */
export interface SeenRequest {
  /** e.g. `GET /aisp/accounts` */
  readonly route: string;
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  readonly hasTrustedCertificate: boolean;
}

export type Handler = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Answers every request with the same JSON. */
export function answer(status: number, body: unknown): Handler {
  return (_request, response) => sendJson(response, status, body);
}

const validity = {
  notBefore: new Date(Date.now() - 86_400_000),
  notAfter: new Date(Date.now() + 86_400_000),
};

/** What one run of the tests needs of certificates; issued once. */
export async function issueCertificates() {
  const authority = await issueAuthority('CN=Bank Test Authority', validity);
  const [server, client] = await Promise.all([
    issueLeaf('CN=bank', 'server', validity, authority),
    issueLeaf('CN=assent', 'client', validity, authority),
  ]);
  return { authority, server, client };
}

async function generateSigningKey(alg: string) {
  return { alg, kid: randomUUID(), ...(await generateKeyPair(alg)) };
}

/**
 * A bank over real TLS that answers as the standards say, until a test scripts one of its routes
 * otherwise. Browser endpoints are under `localhost`, those for certificates under `127.0.0.1`.
 */
export async function startScriptedBank(certificates: {
  readonly authority: CertificatePair;
  readonly server: CertificatePair;
}) {
  let signing = await generateSigningKey('ES256');
  const seen: SeenRequest[] = [];
  const scripts = new Map<string, Handler>();
  const pushed = new Map<string, URLSearchParams>();

  const server = createServer(
    {
      cert: certificates.server.certificate,
      key: certificates.server.key,
      ca: certificates.authority.certificate,
      requestCert: true,
      rejectUnauthorized: false,
    },
    async (incoming, response) => {
      const url = new URL(incoming.url ?? '/', 'https://localhost');
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const body = Buffer.concat(chunks).toString();
      const request: SeenRequest = {
        route: `${incoming.method} ${url.pathname}`,
        query: url.searchParams,
        form: new URLSearchParams(body),
        body,
        headers: incoming.headers,
        hasTrustedCertificate: incoming.socket instanceof TLSSocket && incoming.socket.authorized,
      };
      seen.push(request);
      const handler = scripts.get(request.route) ?? standard[request.route] ?? answer(404, {});
      await handler(request, response);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `https://localhost:${port}`;
  const mtls = `https://127.0.0.1:${port}`;
  const claims: Record<string, unknown> = {};

  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    pushed_authorization_request_endpoint: `${issuer}/par`,
    jwks_uri: `${issuer}/jwks`,
    authorization_response_iss_parameter_supported: true,
    mtls_endpoint_aliases: {
      token_endpoint: `${mtls}/mtls/token`,
      pushed_authorization_request_endpoint: `${mtls}/mtls/par`,
    },
  };

  /** An ID token for what was pushed last, with what the test changes about it. */
  async function issueIdToken(): Promise<string> {
    const last = [...pushed.values()].at(-1) ?? new URLSearchParams();
    const requested = JSON.parse(last.get('claims') ?? '{}');
    return new SignJWT({
      nonce: last.get('nonce') ?? undefined,
      openbanking_intent_id: requested.id_token?.openbanking_intent_id?.value,
      ...claims,
    })
      .setProtectedHeader({ alg: signing.alg, kid: signing.kid })
      .setIssuer(String(claims.iss ?? issuer))
      .setSubject(String(claims.sub ?? 'person'))
      .setAudience('assent')
      .setIssuedAt()
      .setExpirationTime('5 minutes')
      .sign(signing.privateKey);
  }

  const grants: Readonly<Record<string, () => Promise<object> | object>> = {
    client_credentials: () => ({ access_token: 'client-token' }),
    authorization_code: async () => ({
      access_token: 'first-token',
      refresh_token: 'first-refresh',
      id_token: await issueIdToken(),
    }),
    refresh_token: () => ({ access_token: 'second-token' }),
  };

  const standard: Readonly<Record<string, Handler>> = {
    'GET /.well-known/openid-configuration': (_request, response) =>
      sendJson(response, 200, {
        ...metadata,
        id_token_signing_alg_values_supported: [signing.alg],
      }),
    'GET /jwks': async (_request, response) =>
      sendJson(response, 200, {
        keys: [{ ...(await exportJWK(signing.publicKey)), kid: signing.kid }],
      }),
    'POST /mtls/token': async ({ form }, response) =>
      sendJson(response, 200, {
        token_type: 'Bearer',
        expires_in: 3600,
        ...(await grants[form.get('grant_type') ?? '']?.()),
      }),
    'POST /mtls/par': ({ form }, response) => {
      const uri = `urn:ietf:params:oauth:request_uri:${randomUUID()}`;
      pushed.set(uri, form);
      sendJson(response, 201, { request_uri: uri, expires_in: 60 });
    },
    'POST /aisp/account-access-consents': ({ body }, response) =>
      sendJson(response, 201, {
        Data: {
          ...JSON.parse(body).Data,
          ConsentId: 'intent-1',
          Status: 'AwaitingAuthorisation',
          CreationDateTime: new Date().toISOString(),
          StatusUpdateDateTime: new Date().toISOString(),
        },
        Risk: {},
        Links: { Self: `${mtls}/aisp/account-access-consents/intent-1` },
        Meta: {},
      }),
    'DELETE /aisp/account-access-consents/intent-1': (_request, response) => {
      response.writeHead(204).end();
    },
    'GET /aisp/accounts': answer(200, { Data: { Account: [currentAccount] }, Links: {}, Meta: {} }),
    'GET /aisp/accounts/a-1/balances': answer(200, { Data: { Balance: [balance] } }),
    'GET /aisp/accounts/a-1/transactions': answer(200, { Data: { Transaction: [coffee] } }),
  };

  return {
    issuer,
    mtls,
    resourceUrl: `${mtls}/aisp`,
    seen,
    pushed,
    /** Claims of the ID token that differ from the right ones. */
    claims,
    signingKeyId: () => signing.kid,
    /** Signs ID tokens with a new key from now on, and announces it. */
    async changeSigningKey(alg: string) {
      signing = await generateSigningKey(alg);
    },
    script(route: string, handler: Handler) {
      scripts.set(route, handler);
    },
    requests: (route: string) => seen.filter((request) => request.route === route),
    /** Forgets what was scripted and seen. */
    reset() {
      scripts.clear();
      pushed.clear();
      seen.length = 0;
      for (const name of Object.keys(claims)) delete claims[name];
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type ScriptedBank = Awaited<ReturnType<typeof startScriptedBank>>;

export const currentAccount = {
  AccountId: 'a-1',
  Status: 'Enabled',
  Currency: 'GBP',
  AccountType: 'Personal',
  AccountSubType: 'CurrentAccount',
  Nickname: 'Everyday',
  Account: [{ SchemeName: 'UK.OBIE.SortCodeAccountNumber', Identification: '10000012345678' }],
};

export const balance = {
  AccountId: 'a-1',
  Type: 'InterimAvailable',
  CreditDebitIndicator: 'Debit',
  DateTime: '2026-01-31T12:00:00+00:00',
  Amount: { Amount: '1234.5', Currency: 'GBP' },
};

export const coffee = {
  AccountId: 'a-1',
  TransactionId: 't-1',
  Status: 'Booked',
  CreditDebitIndicator: 'Debit',
  BookingDateTime: '2026-01-15T09:30:00+00:00',
  Amount: { Amount: '3.20', Currency: 'GBP' },
  TransactionInformation: 'Coffee',
};
