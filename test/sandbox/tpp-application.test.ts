import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sandboxClientNames } from '../../sandbox/tpp-document.js';
import { type StartedSandbox, startSandbox } from './support.js';

let directory: string;
let sandbox: StartedSandbox;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-tpp-'));
  sandbox = await startSandbox(directory);
});
afterAll(async () => {
  await sandbox.leave();
  await sandbox.stop();
  await rm(directory, { recursive: true, force: true });
});

async function start(fields: Record<string, string>) {
  const { csrf } = await sandbox.visit('/');
  const form = { csrf, client: 'identity-service', access: 'one-time', scope: 'id:all' };
  return sandbox.visit('/start', new URLSearchParams({ ...form, ...fields }).toString());
}

describe('the TPP application', () => {
  it.each(sandboxClientNames)('pushes a request as %s and shows it whole', async (client) => {
    const started = await start({ client, access: 'ongoing' });
    expect(started.status).toBe(303);
    const page = await sandbox.visit(started.location);

    expect(page.status).toBe(200);
    expect(page.text).toContain('The request is pushed');
    expect(page.text).toContain('urn:ietf:params:oauth:request_uri:');
    expect(page.text).toContain('Register a user');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.text.includes('DPoP proof')).toBe(client === 'fapi2-security-dpop');
    expect(page.text.includes('Request object')).toBe(client.startsWith('identity-service'));
  });

  it('shows an error that comes back, checked, with its description', async () => {
    const started = await start({});
    const page = await sandbox.visit(started.location);
    const state = /"state": "([^"]+)"|state&quot;: &quot;([^&]+)&quot;/.exec(page.text);
    const query = new URLSearchParams({
      error: 'access_denied',
      error_description: 'The person <b>refused</b>',
      state: state?.[1] ?? state?.[2] ?? '',
      iss: sandbox.tpp.issuer,
    });
    const answer = await sandbox.visit(`/callback?${query}`);

    expect(answer.status).toBe(400);
    expect(answer.text).toContain('access_denied');
    expect(answer.text).toContain('The person &lt;b>refused');
    const forged = await sandbox.visit(
      `/callback?${new URLSearchParams({ ...Object.fromEntries(query), iss: 'https://evil.example' })}`,
    );
    expect(forged.status).toBe(400);
    expect(forged.text).not.toContain('access_denied</code>');
  });

  it.each([
    ['another token', { csrf: 'x'.repeat(43) }, 403],
    ['no token', { csrf: '' }, 403],
    ['an unknown client', { client: 'toString' }, 400],
    ['an unknown bank', { scope: 'id:nowhere' }, 400],
    ['an unknown permission', { permission: 'ReadMinds' }, 400],
  ])('refuses a form with %s', async (_, fields, status) => {
    expect((await start(fields)).status).toBe(status);
  });

  it.each([
    ['a callback of an unknown request', '/callback?code=x&state=unknown'],
    ['a state given twice', '/callback?state=a&state=b'],
    ['a very long code', `/callback?code=${'x'.repeat(8000)}`],
    ['an unknown journey', '/journeys/unknown/accounts'],
    ['a null byte', '/journeys/%00/tokens'],
    ['a broken escape', '/journeys/%E0%A4%A/tokens'],
  ])('finds nothing under %s', async (_, path) => {
    expect((await sandbox.visit(path)).status).toBe(404);
  });

  it('refuses a form of one megabyte', async () => {
    expect((await sandbox.visit('/start', `csrf=${'x'.repeat(1_000_000)}`)).status).toBe(400);
  });

  it('does not show one browser the journeys of another', async () => {
    const { location } = await start({});
    sandbox.cookies.clear();
    expect((await sandbox.visit(location)).status).toBe(404);
  });
});
