import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { openSandboxDirectory } from '../../sandbox/directory.js';
import { startRegistration } from './support/start-registration.js';

test('a statement of the sandbox directory registers a client once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'assent-directory-'));
  const { issuer, jwks } = await openSandboxDirectory(folder, systemClock);
  const keys = JSON.parse(JSON.stringify(jwks.keys));
  const directories = [{ name: 'sandbox', issuer, jwks: { keys } }];
  const assent = await startRegistration({ registration: { directories } });
  try {
    // As the command opens it: the key is the same.
    const directory = await openSandboxDirectory(folder, systemClock);
    const redirectUris = ['https://my.app.example/callback'];
    const body = {
      software_statement: await directory.issue({ name: 'My app', redirectUris }),
      scope: 'openid accounts:read',
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=my-app',
      tls_client_certificate_bound_access_tokens: true,
    };
    expect(await assent.register(body)).toMatchObject({
      status: 201,
      body: { client_name: 'My app', redirect_uris: redirectUris },
    });
    expect((await assent.register(body)).status).toBe(400);
  } finally {
    await assent.stop();
    await rm(folder, { recursive: true });
  }
});
