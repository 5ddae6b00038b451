import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connections } from '../../core/connection.js';
import { put } from '../../core/storage.js';
import { seedCode, seededRedirectUri } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';

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
          redirect_uris: [seededRedirectUri],
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

async function redeem(code: string) {
  const response = await assent.fetch('/oidc/token', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: seededRedirectUri,
    }),
    headers: { authorization: `Basic ${Buffer.from(`tpp:${secret}`).toString('base64')}` },
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

test('a connection that changes while its code is redeemed makes it an invalid grant, and gives nothing', async () => {
  const { code, connection } = await seedCode(assent, { clientId: 'tpp' });
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
