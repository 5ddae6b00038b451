import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Connection, connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { put } from '../../core/storage.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
const redirectUri = 'https://tpp.example/callback';
const userId = 'a'.repeat(24);

let assent: RunningAssent;
/** Runs when the connection is read, before what was decided from it can be committed. */
let whileRedeeming = () => {};

beforeAll(async () => {
  assent = await startAssent(
    {
      clients: [
        {
          client_id: 'tpp',
          client_secret: secret,
          profile: 'identity-service',
          token_endpoint_auth_method: 'client_secret_basic',
          redirect_uris: [redirectUri],
        },
      ],
    },
    {
      onStorageCall({ operation, collection }) {
        if (operation === 'get' && collection === connections.name) whileRedeeming();
      },
    },
  );
});

afterAll(() => assent.stop());

/** A code as the authorization flow leaves it, and the connection that waits for it. */
async function makeCode() {
  const { provider, storage, configuration } = assent;
  const client = await provider.Client.find('tpp');
  if (!client) throw new Error('the client is configured');
  const resource = `${configuration.publicUrl}/`;
  const grantId = randomUUID();
  const at = new Date().toISOString();
  const later = new Date(Date.now() + 600_000).toISOString();
  const connection: Connection = {
    id: `north-bank:${grantId}`,
    clientId: 'tpp',
    userId,
    institutionId: 'north-bank',
    institutionName: 'North Bank',
    kind: 'api',
    consentId: grantId,
    status: 'pending',
    connectedOn: at,
    pendingUntil: later,
    accountIds: [],
    authorization: {},
  };
  await storage.commit([
    put(connections, connection.id, connection),
    put(consents, grantId, {
      id: grantId,
      clientId: 'tpp',
      userId,
      connectionId: connection.id,
      institutionId: 'north-bank',
      access: 'one-time',
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
  grant.addResourceScope(resource, 'accounts:read');
  await grant.save();
  const scope = 'openid accounts:read';
  const facts = { accountId: userId, client, grantId, redirectUri, resource, scope };
  const code = new provider.AuthorizationCode({ ...facts, gty: 'authorization_code' });
  return { code: await code.save(), connection };
}

async function redeem(code: string) {
  const response = await assent.fetch('/oidc/token', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
    }),
    headers: { authorization: `Basic ${Buffer.from(`tpp:${secret}`).toString('base64')}` },
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

test('a connection that changes while its code is redeemed makes it an invalid grant, and gives nothing', async () => {
  const { code, connection } = await makeCode();
  whileRedeeming = () => {
    whileRedeeming = () => {};
    // Queued before the redemption's own commit, and so applied before it.
    void assent.storage.commit([put(connections, connection.id, connection)]);
  };
  const refused = await redeem(code);
  expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect(refused.body).not.toHaveProperty('access_token');
  const pending = await assent.storage.get(connections, connection.id);
  expect(pending?.value.status).toBe('pending');

  const again = await redeem(code);
  expect(again).toMatchObject({ status: 200, body: { access_token: expect.any(String) } });
});
