import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { startTarget, type Target } from '../support/start-target.js';
import { expectExplained } from './support/expect-explained.js';
import { type RunningRole, roles, startRole } from './support/start-role.js';

/*
 * SEC-45: the library's own requests go nowhere private, whatever way an address says so. What else is
 * called at a client's address is tested where it is: pings, webhooks, logos, directories, and the
 * guarded fetch itself.
 */

const hosts = [
  '127.0.0.1',
  '2130706433',
  '0x7f.1',
  '0177.0.0.1',
  '[::1]',
  '[::ffff:127.0.0.1]',
  'localhost',
  'localhost.',
  '169.254.169.254',
  '10.0.0.1',
  '[fe80::1]',
] as const;

let directory: string;
let target: Target;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-private-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  target = await startTarget(await authority.server('inside'), (response) => {
    response.end('{}');
  });
});
afterAll(async () => {
  await target?.stop();
  await rm(directory, { recursive: true, force: true });
});

describe.each(roles)('%s', (role) => {
  let assent: RunningRole;
  beforeAll(async () => {
    assent = await startRole(
      role,
      hosts.map((host, index) => ({
        client_id: `inside-${index}`,
        jwks: undefined,
        jwks_uri: `https://${host}:${target.port}/jwks`,
      })),
    );
  });
  afterAll(() => assent?.stop());

  test.each(hosts.map((host, index) => [host, index] as const))(
    'SEC-45: a jwks_uri at %s is not asked',
    async (_host, index) => {
      const client = await assent.connect(`inside-${index}`);
      const refused = await client.token({ grant_type: 'client_credentials' });
      expect(refused).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
      expect(JSON.stringify(refused.body)).not.toMatch(/127\.|10\.|169\.|::/);
      await expectExplained(assent, refused, { error: 'invalid_client' });
      expect(target.connections()).toBe(0);
    },
  );

  test.each(hosts)('SEC-45: a request_uri at %s is not asked', async (host) => {
    const request_uri = `https://${host}:${target.port}/request`;
    const { tpp } = assent;
    const answer = await assent.fetch(tpp.urlOf({ client_id: 'tpp', request_uri }));
    expect(answer.headers.get('location') ?? '').not.toContain('/interaction/');
    expect((await tpp.push({ ...(await tpp.request()), request_uri })).status).toBe(400);
    expect(target.connections()).toBe(0);
  });
});
