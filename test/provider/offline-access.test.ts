import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type MoneyhubClient, startClientAt } from '../e2e/moneyhub-client.js';
import { createClientKeys } from '../support/client-keys.js';
import { seededRedirectUri, seededUserId, seedVisit } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';

let assent: RunningAssent;
let client: MoneyhubClient;

interface Tokens {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly id_token: string;
  readonly scope: string;
}

beforeAll(async () => {
  const keys = await createClientKeys('PS256');
  const common = {
    client_id: 'tpp',
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic',
  };
  assent = await startAssent({
    clients: [
      {
        ...common,
        profile: 'identity-service',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [seededRedirectUri],
        jwks: keys.jwks,
      },
    ],
  });
  client = await startClientAt(
    assent,
    { ...common, redirect_uris: [seededRedirectUri], keys },
    { id_token_signed_response_alg: 'ES256' },
  );
});

afterAll(async () => {
  client?.stop();
  await assent?.stop();
});

/** From the published client's own URL to the tokens that it accepts. */
async function connect(scope: string): Promise<Tokens> {
  const local = { state: 'state', nonce: 'nonce' };
  const url = await client.call<string>('getAuthorizeUrl', { scope, ...local });
  const { returned } = await seedVisit(assent, url, {
    clientId: 'tpp',
    scope: 'accounts:read',
    connection: { status: 'ok' },
  });
  const back = new URL(returned.headers.get('location') ?? '');
  return client.call<Tokens>('exchangeCodeForTokens', {
    paramsFromCallback: Object.fromEntries(back.searchParams),
    localParams: { ...local, response_type: 'code', sub: seededUserId },
  });
}

test('offline_access brings a refresh token, whose answer the published client accepts', async () => {
  const first = await connect('openid offline_access id:test accounts:read');
  const again = await client.call<Tokens>('refreshTokens', { refreshToken: first.refresh_token });
  expect(again).toMatchObject({
    token_type: 'Bearer',
    expires_at: expect.any(Number),
    refresh_token: first.refresh_token,
    scope: 'accounts:read',
  });
  expect(again.access_token).not.toBe(first.access_token);
  const [before, after] = [decodeJwt(first.id_token), decodeJwt(again.id_token)];
  expect(after).toMatchObject({ sub: seededUserId, 'mh:con_id': before['mh:con_id'] });
});

test('without it there is none', async () => {
  expect(await connect('openid id:test accounts:read')).not.toHaveProperty('refresh_token');
});
