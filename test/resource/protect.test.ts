import { hash, randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server as HttpServer, request as httpRequest } from 'node:http';
import { createServer as createTlsServer, request as httpsRequest, type Server } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import Koa from 'koa';
import * as openid from 'openid-client';
import { Agent, fetch as undiciFetch } from 'undici';
import { createProofReplays } from '../../api/middleware/dpop-proof.js';
import { systemClock } from '../../core/clock.js';
import { createResource, type ResourceOptions } from '../../resource/create-resource.js';
import { createDpopNonces } from '../../resource/dpop-nonces.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { type CertificateFiles, subjectOf } from '../../sandbox/certificate-authority.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

/* A bank's own API in front of which `resource/` stands, on Koa and in Express's way. */

let bank: RunningAssent;
let servers: { readonly koa: Server; readonly express: Server };
const agents: Agent[] = [];
const apis: HttpServer[] = [];
const origins = { koa: '', express: '' };
let issuer: openid.Configuration;
let certificates: { tpp: CertificateFiles; rival: CertificateFiles };

beforeAll(async () => {
  const keys = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), alg: 'ES256', use: 'sig', kid: 'key' };
  const common = {
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'accounts',
    id_token_signed_response_alg: 'ES256',
  };
  const byCertificate = (name: string) => ({
    ...common,
    client_id: name,
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: subjectOf(name),
  });
  bank = await startAssent(
    {
      role: 'bank',
      clients: [
        { ...byCertificate('tpp'), tls_client_certificate_bound_access_tokens: true },
        { ...byCertificate('rival'), dpop_bound_access_tokens: true },
        {
          ...common,
          client_id: 'accounts-api',
          token_endpoint_auth_method: 'private_key_jwt',
          tls_client_certificate_bound_access_tokens: true,
          resource_server: true,
          jwks: { keys: [jwk] },
        },
      ],
    },
    { ledger: createDemoLedger({ clock: systemClock }) },
  );
  certificates = {
    tpp: await bank.authority.client('tpp'),
    rival: await bank.authority.client('rival'),
  };
  const authentication = openid.PrivateKeyJwt({ key: keys.privateKey, kid: 'key' });
  issuer = await discover('accounts-api', authentication, undefined);
  servers = { koa: await listen('koa'), express: await listen('express') };

  const { koa } = createResource({ issuer, origin: origins.koa });
  const application = new Koa();
  application.use(koa({ scopes: ['accounts'] }));
  application.use((ctx) => {
    ctx.body = { client: ctx.state.token.clientId };
  });
  servers.koa.on('request', application.callback());

  const nonceSecret = new Uint8Array(32).fill(7);
  const { express } = createResource({ issuer, origin: origins.express, nonceSecret });
  const protect = express({ scopes: ['accounts'] });
  servers.express.on('request', (request, response) => {
    // What Express adds to Node's own response.
    const own = Object.assign(response, { locals: {} as Record<string, never> });
    void protect(request, own, (error) => {
      response.writeHead(error ? 500 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ client: Object(own.locals).token?.clientId }));
    });
  });
});

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.destroy()));
  for (const server of Object.values(servers ?? {})) server.close();
  for (const api of apis) api.close();
  await bank?.stop();
});

async function listen(name: 'koa' | 'express'): Promise<Server> {
  const { certificate, key } = await bank.authority.server(name);
  const server = createTlsServer({
    cert: await readFile(certificate),
    key: await readFile(key),
    ca: await readFile(bank.authority.certificate),
    requestCert: true,
    rejectUnauthorized: false,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origins[name] = `https://localhost:${(server.address() as AddressInfo).port}`;
  return server;
}

async function agentOf(client: CertificateFiles | undefined): Promise<Agent> {
  const agent = new Agent({
    connect: {
      ca: await readFile(bank.authority.certificate, 'utf8'),
      ...(client && {
        cert: await readFile(client.certificate, 'utf8'),
        key: await readFile(client.key, 'utf8'),
      }),
    },
  });
  agents.push(agent);
  return agent;
}

async function discover(
  clientId: string,
  authentication: openid.ClientAuth,
  client: CertificateFiles | undefined,
) {
  const dispatcher = await agentOf(client);
  const fetch = (url: string, init: object) => undiciFetch(url, { ...init, dispatcher });
  return openid.discovery(
    new URL(bank.issuer),
    clientId,
    { use_mtls_endpoint_aliases: client !== undefined },
    authentication,
    { [openid.customFetch]: fetch as never },
  );
}

const tppConfiguration = (name: 'tpp' | 'rival') =>
  discover(name, openid.TlsClientAuth(), certificates[name]);

async function call(
  resource: 'koa' | 'express',
  headers: Record<string, string>,
  client?: CertificateFiles,
  path = '/accounts',
) {
  const dispatcher = await agentOf(client);
  const answer = await undiciFetch(`${origins[resource]}${path}`, { headers, dispatcher });
  return {
    status: answer.status,
    challenge: answer.headers.get('www-authenticate'),
    interaction: answer.headers.get('x-fapi-interaction-id'),
    body: await answer.json(),
  };
}

describe.each(['koa', 'express'] as const)('on %s', (resource) => {
  test('a certificate-bound token opens it with its certificate alone (SEC-42)', async () => {
    const configuration = await tppConfiguration('tpp');
    const { access_token: token } = await openid.clientCredentialsGrant(configuration, {
      scope: 'accounts',
    });
    const authorization = `bearer ${token}`;
    const interaction = '93bac548-d2de-4546-b106-880a5018460d';
    expect(
      await call(
        resource,
        { authorization, 'x-fapi-interaction-id': interaction },
        certificates.tpp,
      ),
    ).toMatchObject({ status: 200, interaction, body: { client: 'tpp' } });
    for (const other of [certificates.rival, undefined]) {
      expect(await call(resource, { authorization }, other)).toMatchObject({
        status: 401,
        challenge: expect.stringMatching(/^Bearer error="invalid_token"/),
        body: { error: 'invalid_token' },
      });
    }
    const query = await call(resource, {}, certificates.tpp, `/accounts?access_token=${token}`);
    expect(query).toMatchObject({ status: 401, body: { error: 'invalid_request' } });
    for (const also of [token, 'another', '']) {
      const path = `/accounts?access_token=${also}`;
      const twice = await call(resource, { authorization }, certificates.tpp, path);
      expect(twice).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      expect(twice.challenge).toContain('Bearer error="invalid_request"');
    }
  });

  test('one Authorization header is read, of several none (RFC 6750 §2)', async () => {
    const { access_token: token } = await openid.clientCredentialsGrant(
      await tppConfiguration('tpp'),
      { scope: 'accounts' },
    );
    const { certificate, key } = certificates.tpp;
    const status = await new Promise((resolve, reject) => {
      httpsRequest(`${origins[resource]}/accounts`, {
        headers: [
          'host',
          'localhost',
          ...['authorization', `Bearer ${token}`],
          'authorization',
          'Bearer x',
        ],
        ...{ cert: readFileSync(certificate), key: readFileSync(key) },
        rejectUnauthorized: false,
      })
        .on('response', (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(400);
  });

  test('a token that was revoked opens it no more (SEC-43)', async () => {
    const configuration = await tppConfiguration('tpp');
    const { access_token: token } = await openid.clientCredentialsGrant(configuration, {
      scope: 'accounts',
    });
    const authorization = `Bearer ${token}`;
    expect((await call(resource, { authorization }, certificates.tpp)).status).toBe(200);
    await openid.tokenRevocation(configuration, token);
    expect((await call(resource, { authorization }, certificates.tpp)).status).toBe(401);
  });

  test('a DPoP-bound token needs its key, and a nonce where the resource wants one (SEC-28, SEC-29)', async () => {
    const configuration = await tppConfiguration('rival');
    const keys = await openid.randomDPoPKeyPair('ES256');
    const handle = openid.getDPoPHandle(configuration, keys);
    const { access_token: token } = await openid.clientCredentialsGrant(
      configuration,
      { scope: 'accounts' },
      { DPoP: handle },
    );
    const url = new URL(`${origins[resource]}/accounts?page=1`);
    const proof = { DPoP: handle };
    const first = openid.fetchProtectedResource(
      configuration,
      token,
      url,
      'GET',
      undefined,
      undefined,
      proof,
    );
    // The library takes up the nonce and tries again by itself.
    expect((await first).status).toBe(200);
    expect(await call(resource, { authorization: `Bearer ${token}` })).toMatchObject({
      status: 401,
      challenge: expect.stringMatching(/^DPoP error="invalid_token"/),
    });
    expect(await call(resource, { authorization: `DPoP ${token}`, dpop: 'x' })).toMatchObject({
      body: { error: 'invalid_dpop_proof' },
    });
  });
});

/** As an API behind a proxy that ends TLS: its public origin is not where it listens. */
const publicOrigin = 'https://api.bank.example';

async function startApi(options: Partial<ResourceOptions> = {}) {
  const { koa } = createResource({ issuer, origin: publicOrigin, ...options });
  const application = new Koa();
  application.use(koa());
  application.use((ctx) => {
    ctx.body = { client: ctx.state.token.clientId };
  });
  const server = createServer(application.callback());
  apis.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    port,
    async get(headers: Record<string, string>) {
      const answer = await undiciFetch(`http://127.0.0.1:${port}/accounts`, { headers });
      const { status } = answer;
      return { status, headers: answer.headers, body: await answer.json() };
    },
  };
}

/** A token that is bound to a key, and proofs by that key for the API above. */
async function bindToken() {
  const configuration = await tppConfiguration('rival');
  const keys = await openid.randomDPoPKeyPair('ES256');
  const { access_token: token } = await openid.clientCredentialsGrant(
    configuration,
    { scope: 'accounts' },
    { DPoP: openid.getDPoPHandle(configuration, keys) },
  );
  const jwk = await exportJWK(keys.publicKey);

  return async function prove({
    nonce,
    now = Date.now(),
    htu = `${publicOrigin}/accounts`,
  }: {
    nonce?: string;
    now?: number;
    htu?: string;
  } = {}) {
    const proof = await new SignJWT({
      ...(nonce !== undefined && { nonce }),
      jti: randomUUID(),
      htm: 'GET',
      htu,
      ath: hash('sha256', token, 'base64url'),
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .setIssuedAt(Math.floor(now / 1000))
      .sign(keys.privateKey);
    return { authorization: `DPoP ${token}`, dpop: proof };
  };
}

const usedUp = {
  status: 401,
  body: { error_description: expect.stringContaining('already used') },
};

describe('a DPoP proof', () => {
  test('works once, in this process where no store is given (SEC-28)', async () => {
    const api = await startApi();
    const prove = await bindToken();
    const proof = await prove();
    expect((await api.get(proof)).status).toBe(200);
    const again = await api.get(proof);
    expect(again).toMatchObject(usedUp);
    expect(again.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_dpop_proof"/);
    expect((await api.get(await prove())).status).toBe(200);
  });

  test('works once in all processes that share a store (SEC-28)', async () => {
    const shared = await Promise.all(
      [1, 2].map(() => startApi({ replays: createProofReplays(bank.storage) })),
    );
    const proof = await (await bindToken())();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => shared[index % 2]?.get(proof)),
    );
    const statuses = answers.map((answer) => answer?.status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 401)]);
  });

  test('needs a nonce of ours that is not too old, and is told the one to use (SEC-29)', async () => {
    let now = Date.now();
    const nonceSecret = new Uint8Array(32).fill(9);
    const api = await startApi({ nonceSecret, now: () => now });
    const prove = await bindToken();
    const nonces = (secret: Uint8Array, at: number) => createDpopNonces(secret, () => at).current();
    const period = 120_000;
    for (const nonce of [
      undefined,
      'made-up',
      nonces(new Uint8Array(32).fill(8), now),
      nonces(nonceSecret, now - 2 * period),
      nonces(nonceSecret, now + period),
    ]) {
      const refused = await api.get(await prove({ now, ...(nonce !== undefined && { nonce }) }));
      expect(refused).toMatchObject({ status: 401, body: { error: 'use_dpop_nonce' } });
      expect(refused.headers.get('dpop-nonce')).toBe(nonces(nonceSecret, now));
    }
    const nonce = nonces(nonceSecret, now);
    expect((await api.get(await prove({ now, nonce }))).status).toBe(200);
    now += period;
    expect((await api.get(await prove({ now, nonce }))).status).toBe(200);
    now += period;
    expect((await api.get(await prove({ now, nonce }))).status).toBe(401);
  });

  test('without our nonce takes no room in the store of used ones (SEC-29)', async () => {
    const used: string[] = [];
    const replays = { use: async (id: string) => used.push(id) === 1 };
    const api = await startApi({ nonceSecret: new Uint8Array(32).fill(9), replays });
    const prove = await bindToken();
    const refused = await api.get(await prove());
    expect(refused.body).toMatchObject({ error: 'use_dpop_nonce' });
    expect(used).toHaveLength(0);
    const nonce = refused.headers.get('dpop-nonce') ?? '';
    expect((await api.get(await prove({ nonce }))).status).toBe(200);
    expect(used).toHaveLength(1);
  });
});

test('a token that is bound to nobody opens it where it is said to', async () => {
  const { issuer: name } = issuer.serverMetadata();
  const introspection_endpoint = `${name}/introspection`;
  const configuration = new openid.Configuration({ issuer: name, introspection_endpoint }, 'api');
  configuration[openid.customFetch] = async () =>
    Response.json({ active: true, client_id: 'tpp', token_type: 'Bearer', exp: 1e11 });
  const headers = { authorization: 'Bearer a-token' };
  const api = await startApi({ issuer: configuration });
  expect(await api.get(headers)).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
  const open = await startApi({ issuer: configuration, acceptUnbound: true });
  expect((await open.get(headers)).status).toBe(200);
});

test.each([
  ['a password', 'https://:p@api.bank.example/accounts'],
  ['a tab', 'https://api.bank.example/acc\tounts'],
  ['a line break', 'https://api.bank.example/accounts\n'],
  ['backslashes', 'https:\\\\api.bank.example\\accounts'],
])('a DPoP proof whose htu has %s is for no request (RFC 9449 §4.3-9)', async (_what, htu) => {
  const api = await startApi();
  const prove = await bindToken();
  expect(await api.get(await prove({ htu }))).toMatchObject({
    status: 401,
    body: { error: 'invalid_dpop_proof' },
  });
  expect((await api.get(await prove())).status).toBe(200);
});

test('behind a proxy, the certificate is the one that the proxy passes on', async () => {
  const api = await startApi({
    readCertificate({ headers }) {
      const passed = headers['client-cert'];
      if (typeof passed !== 'string') return undefined;
      return new X509Certificate(Buffer.from(passed, 'base64'));
    },
  });
  const configuration = await tppConfiguration('tpp');
  const { access_token: token } = await openid.clientCredentialsGrant(configuration, {
    scope: 'accounts',
  });
  const authorization = `Bearer ${token}`;
  const passOn = async ({ certificate }: CertificateFiles) =>
    new X509Certificate(await readFile(certificate)).raw.toString('base64');
  const own = await api.get({ authorization, 'client-cert': await passOn(certificates.tpp) });
  expect(own).toMatchObject({ status: 200, body: { client: 'tpp' } });
  const rival = { authorization, 'client-cert': await passOn(certificates.rival) };
  expect((await api.get(rival)).status).toBe(401);
  expect((await api.get({ authorization })).status).toBe(401);
});

test.each([undefined, 'not-a-uuid', '93bac548-d2de-4546-b106-880a5018460d, another'])(
  'x-fapi-interaction-id %j is answered with a new one',
  async (given) => {
    const api = await startApi();
    const headers = given === undefined ? {} : { 'x-fapi-interaction-id': given };
    const answer = (await api.get(headers)).headers.get('x-fapi-interaction-id');
    expect(answer).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(given ?? '').not.toContain(answer);
  },
);

test.each(['stopped', 'silent'])(
  'while the issuer is %s, calls are told to come again later, soon, and with an interaction id',
  async (state) => {
    const server = createTcpServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const issuer = `http://127.0.0.1:${port}`;
    const metadata = { issuer, introspection_endpoint: `${issuer}/introspection` };
    const configuration = new openid.Configuration(metadata, 'api', {}, openid.None());
    openid.allowInsecureRequests(configuration);
    const outages: unknown[] = [];
    const api = await startApi({
      issuer: configuration,
      onOutage: (cause) => void outages.push(cause),
    });
    configuration.timeout = 0.05;
    if (state === 'stopped') await new Promise((resolve) => server.close(resolve));
    try {
      const answer = await api.get({ authorization: 'Bearer a-token' });
      expect(answer).toMatchObject({
        status: 503,
        body: {
          error: 'temporarily_unavailable',
          error_description: 'The issuer does not say what the access token is; try again later',
        },
      });
      expect(answer.headers.get('x-fapi-interaction-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(answer.headers.get('www-authenticate')).toBeNull();
      expect(outages).toEqual([expect.any(Error)]);
    } finally {
      server.close();
    }
  },
);

test('a request that names no path is refused without a challenge', async () => {
  const { port } = await startApi();
  const answer = await new Promise<{ status: number | undefined; names: readonly string[] }>(
    (resolve, reject) => {
      httpRequest({ port, host: '127.0.0.1', method: 'OPTIONS', path: '*' }, (response) => {
        response.resume();
        resolve({ status: response.statusCode, names: Object.keys(response.headers) });
      })
        .on('error', reject)
        .end();
    },
  );
  expect(answer.status).toBe(400);
  expect(answer.names).not.toContain('www-authenticate');
});
