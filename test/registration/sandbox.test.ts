import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { subjectOf } from '../../sandbox/certificate-authority.js';
import { openSandboxDirectory } from '../../sandbox/directory.js';
import { getToken } from '../admin/support/start-admin.js';
import { startRegistration } from './support/start-registration.js';

/** What the page says to send. */
async function readExample(): Promise<Record<string, unknown>> {
  const page = await readFile(join(import.meta.dirname, '../../docs/registration.md'), 'utf8');
  return JSON.parse(/<<END\n([\s\S]+?)\nEND\n/.exec(page)?.[1] ?? '');
}

test('a statement of the sandbox directory registers a client once, which gets a token of its own', async () => {
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
      ...(await readExample()),
      software_statement: await directory.issue({ name: 'My app', redirectUris }),
      // What the authority of this test writes, and this role offers.
      tls_client_auth_subject_dn: subjectOf('my-app'),
      scope: 'openid accounts:read user:read',
    };
    const registered = await assent.register(body);
    expect(registered).toMatchObject({
      status: 201,
      body: { client_name: 'My app', redirect_uris: redirectUris },
    });
    const fetch = assent.fetcher(await assent.authority.client('my-app'));
    const token = await getToken(assent, fetch, registered.body.client_id, 'user:read');
    const told = await fetch(`${assent.configuration.mtlsUrl}/explanations`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await told.json()).toEqual({ explanations: [] });
    expect((await assent.register(body)).status).toBe(400);
  } finally {
    await assent.stop();
    await rm(folder, { recursive: true });
  }
});
