import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from '@jest/globals';
import { findMongoServer } from '../adapters/support/find-mongo-server.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
const redirectUri = 'https://tpp.example/callback';
const server = await findMongoServer();

let assent: RunningAssent | undefined;

afterAll(async () => {
  await assent?.stop();
  if ('uri' in server) await server.stop();
});

async function post(running: RunningAssent, form: Record<string, string>) {
  const response = await running.fetch('/oidc/token', {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`tpp:${secret}`).toString('base64')}` },
    body: new URLSearchParams(form),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function makeCode({ provider, configuration }: RunningAssent): Promise<string> {
  const accountId = 'a'.repeat(24);
  const client = await provider.Client.find('tpp');
  if (!client) throw new TypeError('no client');
  const grant = new provider.Grant({ accountId, clientId: 'tpp' });
  const resource = `${configuration.publicUrl}/`;
  grant.addOIDCScope('openid offline_access');
  grant.addResourceScope(resource, 'accounts:read');
  const grantId = await grant.save();
  const scope = 'openid offline_access accounts:read';
  const gty = 'authorization_code';
  const code = { accountId, client, grantId, gty, redirectUri, resource, scope };
  return new provider.AuthorizationCode(code).save();
}

const run = 'uri' in server ? describe : describe.skip;
const why = 'uri' in server ? '' : ` (skipped: ${server.missing})`;

run(`a whole Assent on MongoDB${why}`, () => {
  test('gives tokens, refreshes them, and redeems one code once of 30 at the same time', async () => {
    if (!('uri' in server)) return;
    const uri = new URL(server.uri);
    uri.pathname = `/assent-${randomUUID()}`;
    assent = await startAssent({
      storage: { url: uri.href, masterKey: { value: Buffer.alloc(32, 7).toString('base64') } },
      clients: [
        {
          client_id: 'tpp',
          client_secret: secret,
          profile: 'identity-service',
          token_endpoint_auth_method: 'client_secret_basic',
          grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
          redirect_uris: [redirectUri],
        },
      ],
    });
    const running = assent;
    const code = await makeCode(running);
    const redemption = { grant_type: 'authorization_code', code, redirect_uri: redirectUri };
    const answers = await Promise.all(Array.from({ length: 30 }, () => post(running, redemption)));
    const given = answers.filter(({ status }) => status === 200);
    expect(given).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(29);

    const fresh = await post(running, {
      ...redemption,
      code: await makeCode(running),
    });
    expect(fresh.status).toBe(200);
    const refreshed = await post(running, {
      grant_type: 'refresh_token',
      refresh_token: String(fresh.body.refresh_token),
    });
    expect(refreshed.status).toBe(200);
    const own = await post(running, { grant_type: 'client_credentials', scope: 'user:create' });
    expect(own.status).toBe(200);
  });
});
