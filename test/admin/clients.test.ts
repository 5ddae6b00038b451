import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createClientKeys } from '../support/client-keys.js';
import { startAdmin } from './support/start-admin.js';

let admin: Awaited<ReturnType<typeof startAdmin>>;
let keys: Awaited<ReturnType<typeof createClientKeys>>;

beforeAll(async () => {
  keys = await createClientKeys();
  admin = await startAdmin();
});
afterAll(() => admin.stop());

test('an operator makes a client, reads it and changes it', async () => {
  const made = await admin.call('POST', '/clients', {
    client_name: 'Budget app',
    profile: 'fapi2-security',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: keys.jwks,
    dpop_bound_access_tokens: true,
    redirect_uris: ['https://budget.example/callback'],
  });
  expect(made.body).toMatchObject({ client: { status: 'active', managedBy: 'api' } });
  expect(made.status).toBe(201);
});
