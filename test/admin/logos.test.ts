import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { eventually } from '../support/eventually.js';
import { makeTile } from '../support/make-png.js';
import { startTarget, type Target } from '../support/start-target.js';
import { startAdmin } from './support/start-admin.js';

const green = makeTile(8, [30, 150, 80, 255]);
const budget = {
  client_name: 'Budget Buddy',
  profile: 'identity-service',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['authorization_code'],
  redirect_uris: ['https://app.example.com/callback'],
};

let directory: string;
let target: Target;
/** What the client's server has, by path; 404 for the rest. */
const files = new Map<string, Buffer | number>();
let admin: Awaited<ReturnType<typeof startAdmin>>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-logos-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  target = await startTarget(await authority.server('target'), (response, { url = '' }) => {
    const file = files.get(url) ?? 404;
    if (typeof file === 'number') response.writeHead(file).end();
    else response.end(file);
  });
  admin = await startAdmin({
    outgoing: {
      allow: [`localhost:${target.port}`],
      certificateAuthorities: [authority.certificate],
    },
    clients: [{ ...budget, client_id: 'of-the-file', client_secret: 'x'.repeat(43) }],
  });
});
afterAll(async () => {
  await admin?.stop();
  await target?.stop();
  await rm(directory, { recursive: true, force: true });
});

const at = (path: string) => `https://localhost:${target.port}${path}`;

async function create(metadata: object) {
  const { status, body, etag } = await admin.call('POST', '/clients', { ...budget, ...metadata });
  expect(status).toBe(201);
  return { clientId: String(body.client.clientId), client: body.client, etag };
}

async function logoOf(clientId: string) {
  return (await admin.call('GET', `/clients/${clientId}`)).body.logo;
}

const served = (clientId: string) => admin.fetchAnonymously(`/client-logos/${clientId}`);

describe('the logo of a client that an operator makes', () => {
  test('is fetched after the call, written anew and served by us', async () => {
    files.set('/green.png', green);
    const { clientId, client } = await create({ logo_uri: at('/green.png') });
    expect(client.logo).toEqual({ status: 'pending' });
    await eventually(async () => expect(await logoOf(clientId)).toEqual({ status: 'shown' }));
    const answer = await served(clientId);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('image/png');
    const file = Buffer.from(await answer.arrayBuffer());
    expect(file.toString('latin1')).not.toMatch(/script|php/);
  });

  test.each([
    ['/missing.png', 'the server answered 404'],
    ['/page.png', 'the answer was no whole PNG of at most 512 by 512 pixels'],
  ])('that cannot be shown (%s) is reported, and the client is made', async (path, problem) => {
    files.set('/page.png', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'));
    const { clientId } = await create({ logo_uri: at(path) });
    await eventually(async () => {
      expect(await logoOf(clientId)).toEqual({ status: 'failed', problem });
    });
    expect((await served(clientId)).status).toBe(404);
  });

  test('at an address of our own network is never asked for', async () => {
    const { clientId } = await create({ logo_uri: 'https://127.0.0.1:1/logo.png' });
    await eventually(async () => {
      const problem = 'the host has no public address';
      expect(await logoOf(clientId)).toEqual({ status: 'failed', problem });
    });
  });

  test('is fetched again when an operator says so, and stays while its server is away', async () => {
    files.set('/moody.png', green);
    const { clientId } = await create({ logo_uri: at('/moody.png') });
    await eventually(async () => expect(await logoOf(clientId)).toEqual({ status: 'shown' }));

    files.set('/moody.png', 503);
    expect((await admin.call('POST', `/clients/${clientId}/logo`)).status).toBe(202);
    await eventually(async () => {
      const problem = 'the server answered 503';
      expect(await logoOf(clientId)).toEqual({ status: 'shown', problem });
    });
    expect((await served(clientId)).status).toBe(200);

    files.set('/moody.png', green);
    await admin.call('POST', `/clients/${clientId}/logo`);
    await eventually(async () => expect(await logoOf(clientId)).toEqual({ status: 'shown' }));
  });

  test('goes with its address, and with the client', async () => {
    files.set('/green.png', green);
    const { clientId } = await create({ logo_uri: at('/green.png') });
    await eventually(async () => expect((await served(clientId)).status).toBe(200));
    const without = await admin.call(
      'PATCH',
      `/clients/${clientId}`,
      { logo_uri: null },
      { 'if-match': '*' },
    );
    expect(without.status).toBe(200);
    expect(without.body.client.logo).toBeUndefined();
    expect((await served(clientId)).status).toBe(404);
    const again = await admin.call('POST', `/clients/${clientId}/logo`);
    expect(again).toMatchObject({ status: 409, body: { message: 'The client has no logo_uri' } });

    const other = await create({ logo_uri: at('/green.png') });
    await eventually(async () => expect((await served(other.clientId)).status).toBe(200));
    await admin.call('DELETE', `/clients/${other.clientId}`, undefined, { 'if-match': '*' });
    expect((await served(other.clientId)).status).toBe(404);
  });
});

test('a logo comes with an applied configuration, too', async () => {
  files.set('/green.png', green);
  const document = {
    format: 'assent-configuration',
    version: 1,
    clients: [
      { ...budget, client_id: 'applied', token_endpoint_auth_method: 'private_key_jwt' },
    ].map((client) => ({
      ...client,
      logo_uri: at('/green.png'),
      jwks_uri: 'https://app.example.com/jwks',
    })),
  };
  const applied = await admin.call('POST', '/configuration/apply', document);
  expect(applied.body).toMatchObject({ clients: [{ action: 'created' }] });
  await eventually(async () => expect((await served('applied')).status).toBe(200));
});

test('a client that is not known has no logo to fetch', async () => {
  expect((await admin.call('POST', '/clients/nobody/logo')).status).toBe(404);
});
