import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { systemClock } from '../../core/clock.js';
import { type Connection, connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { put } from '../../core/storage.js';
import { syncs } from '../../core/sync.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
const redirectUri = 'https://tpp.example/callback';
const userId = 'a'.repeat(24);

let folder: string;
let assent: RunningAssent;
let silentBank: Server;
const sockets: Socket[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assent-sync-claim-'));
  const authority = await openCertificateAuthority(folder, systemClock);
  silentBank = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silentBank.listen(0, '127.0.0.1', resolve));
  const { port } = silentBank.address() as AddressInfo;
  assent = await startAssent({
    clients: [
      {
        client_id: 'tpp',
        client_secret: secret,
        profile: 'identity-service',
        token_endpoint_auth_method: 'client_secret_basic',
        redirect_uris: [redirectUri],
      },
    ],
    institutions: [
      {
        id: 'silent-bank',
        name: 'Silent Bank',
        connector: {
          type: 'open-banking-uk',
          issuer: `https://localhost:${port}`,
          resourceUrl: `https://localhost:${port}/aisp`,
          clientId: 'assent',
          timeoutSeconds: 1,
          ...(await authority.client('assent')),
        },
      },
    ],
  });
});

afterAll(async () => {
  await assent.stop();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silentBank.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

/** Redeems the code of a new connection, whose request asked for this of `mh:sync`. */
async function redeem(requested: object | undefined) {
  const { provider, storage, configuration } = assent;
  const client = await provider.Client.find('tpp');
  if (!client) throw new Error('the client is configured');
  const grantId = randomUUID();
  const at = new Date().toISOString();
  const later = new Date(Date.now() + 600_000).toISOString();
  const connection: Connection = {
    id: `silent-bank:${grantId}`,
    clientId: 'tpp',
    userId,
    institutionId: 'silent-bank',
    institutionName: 'Silent Bank',
    kind: 'api',
    consentId: grantId,
    status: 'pending',
    connectedOn: at,
    pendingUntil: later,
    accountIds: [],
    authorization: {
      intentId: 'intent',
      permissions: [],
      accessToken: 'token',
      accessTokenExpiresAt: later,
    },
  };
  await storage.commit([
    put(connections, connection.id, connection),
    put(consents, grantId, {
      id: grantId,
      clientId: 'tpp',
      userId,
      connectionId: connection.id,
      institutionId: 'silent-bank',
      access: 'ongoing',
      permissions: [],
      expiresAt: later,
      tppConsent: true,
      status: 'authorised',
      history: [],
    }),
  ]);
  const grant = new provider.Grant({ accountId: userId, clientId: 'tpp' });
  grant.jti = grantId;
  grant.addOIDCScope('openid');
  grant.addOIDCClaims(['mh:sync', 'mh:con_id']);
  await grant.save();
  const code = new provider.AuthorizationCode({
    ...{ accountId: userId, client, grantId, redirectUri, scope: 'openid' },
    gty: 'authorization_code',
  });
  // The library's types know only strings as values.
  const claims = { 'mh:con_id': { essential: true }, ...(requested && { 'mh:sync': requested }) };
  Object.assign(code, { claims: { id_token: claims } });
  const response = await assent.fetch(`${configuration.publicUrl}/oidc/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: await code.save(),
      redirect_uri: redirectUri,
    }),
    headers: { authorization: `Basic ${Buffer.from(`tpp:${secret}`).toString('base64')}` },
  });
  const body = JSON.parse(await response.text());
  expect({ status: response.status, error: body.error }).toEqual({ status: 200 });
  const issued = decodeJwt(body.id_token);
  const { records } = await storage.find(syncs, {
    index: 'connection',
    equals: connection.id,
    limit: 9,
  });
  expect(records).toHaveLength(1);
  return { claims: issued, sync: records[0]?.value, connectionId: connection.id };
}

test('mh:sync names the first sync, which the client waits for', async () => {
  const { claims, sync, connectionId } = await redeem({ essential: true });
  expect(claims['mh:sync']).toBe(sync?.id);
  expect(claims['mh:con_id']).toBe(connectionId);
  expect(sync).toMatchObject({ connectionId, method: 'ADD', fetchStatus: 'error' });
});

test('with enableAsync the client has its tokens before the bank has answered', async () => {
  const { claims, sync } = await redeem({
    essential: true,
    value: { enableAsync: true },
  });
  expect(claims['mh:sync']).toBe(sync?.id);
  expect(sync).not.toHaveProperty('fetchStatus');
});

test('without the claim there is none in the ID token', async () => {
  const { claims, sync } = await redeem(undefined);
  expect(claims).not.toHaveProperty('mh:sync');
  expect(sync).toMatchObject({ fetchStatus: 'error' });
});
