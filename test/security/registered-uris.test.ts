import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startAdmin } from '../admin/support/start-admin.js';
import { createClientKeys } from '../support/client-keys.js';

/* SEC-15, SEC-16: what an operator may register of addresses, through the Admin API; clients that register
 * themselves are in `test/registration/registration.test.ts`. */

const redirectUri = 'https://budget.example/callback';
let admin: Awaited<ReturnType<typeof startAdmin>>;
let client: Readonly<Record<string, unknown>>;
let made: { readonly id: string; readonly etag: string };

beforeAll(async () => {
  const { jwks } = await createClientKeys();
  client = {
    client_name: 'Budget',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks,
    dpop_bound_access_tokens: true,
    redirect_uris: [redirectUri],
  };
  admin = await startAdmin({});
  const { status, body, etag } = await admin.call('POST', '/clients', client);
  expect(status).toBe(201);
  made = { id: body.client.clientId, etag };
});
afterAll(() => admin?.stop());

/** Refused as a new client and as a change of one, with the member named. */
async function expectRefused(member: string, value: unknown): Promise<void> {
  const change = { [member]: value };
  const path = `/clients/${made.id}`;
  for (const answer of [
    await admin.call('POST', '/clients', { ...client, ...change }),
    await admin.call('PATCH', path, change, { 'if-match': made.etag }),
  ]) {
    expect({ member, value, ...answer }).toMatchObject({ member, value, status: 400 });
    expect(JSON.stringify(answer.body)).toContain(member);
  }
}

test.each([
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  ' javascript:alert(1)',
  'java\tscript:alert(1)',
  'data:text/html,x',
  'DATA:text/html;base64,eA',
  'vbscript:x',
  'blob:https://budget.example/1',
  'file:///etc/passwd',
])('SEC-15: %j is registered nowhere by an operator', async (uri) => {
  await expectRefused('redirect_uris', [uri]);
  for (const member of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'initiate_login_uri']) {
    await expectRefused(member, uri);
  }
});

test.each([
  'https://user@budget.example/',
  'https://user:pass@budget.example/',
  'https://:pass@budget.example/',
  'https://budget.example@evil.example/',
  'HTTPS://budget.example@evil.example',
  'https:budget.example',
  'https:///budget.example/',
  'https:/budget.example/',
])('SEC-16: %s is no address of a client anywhere', async (uri) => {
  await expectRefused('redirect_uris', [uri]);
  for (const member of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'initiate_login_uri']) {
    await expectRefused(member, uri);
  }
});

test.each([
  'https://user@budget.example/callback',
  'https://user:pass@budget.example/callback',
  'https://budget.example@evil.example/callback',
  'https://budget.example@@evil.example/callback',
  'https://budget.example\\@evil.example/callback',
  'https://budget.example/callback#fragment',
  'https://*.budget.example/callback',
  'https://budget.example/a/../callback',
  'https://budget.example/a/..;/callback',
  'https://budget.example/%2e%2e/callback',
  'https://budget.example%2fcallback',
  'https://budget.example/call back',
  'http://budget.example/callback',
  'http://[::1]/callback',
  '//budget.example/callback',
])('SEC-16: %s is no redirect URI that an operator can register', async (uri) => {
  await expectRefused('redirect_uris', [uri]);
});

test('SEC-15: and nothing was changed by what was refused', async () => {
  const { body, etag } = await admin.call('GET', `/clients/${made.id}`);
  expect(etag).toBe(made.etag);
  expect(body.metadata.redirect_uris).toEqual([redirectUri]);
});
