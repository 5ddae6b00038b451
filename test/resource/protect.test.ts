import { readFile } from 'node:fs/promises';
import { createServer as createTlsServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import Koa from 'koa';
import * as openid from 'openid-client';
import { Agent, fetch as undiciFetch } from 'undici';
import { systemClock } from '../../core/clock.js';
import { createResource } from '../../resource/create-resource.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { type CertificateFiles, subjectOf } from '../../sandbox/certificate-authority.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

/* A bank's own API in front of which `resource/` stands, on Koa and in Express's way. */

let bank: RunningAssent;
let servers: { readonly koa: Server; readonly express: Server };
const agents: Agent[] = [];
const origins = { koa: '', express: '' };
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
  const issuer = await discover('accounts-api', authentication, undefined);
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
