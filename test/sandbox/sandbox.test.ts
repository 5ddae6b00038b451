import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { createSandbox } from '../../sandbox/create-sandbox.js';
import { freePorts } from '../support/free-ports.js';
import { type StartedSandbox, startSandbox } from './support.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-sandbox-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function stop(sandbox: StartedSandbox): Promise<void> {
  await sandbox.leave();
  await sandbox.stop();
}

const readDocument = async () => JSON.parse(await readFile(join(directory, 'tpp.json'), 'utf8'));

describe('tpp.json', () => {
  it('tells an outside client everything, in the documented shape', async () => {
    await createSandbox({ directory, ports: await freePorts() });
    const document = await readDocument();

    expect(Object.keys(document)).toEqual([
      'issuer',
      'discovery',
      'api',
      'ca',
      'clients',
      'people',
      'institutions',
    ]);
    expect(Object.keys(document.clients)).toEqual([
      'identity-service',
      'identity-service-own-consent',
      'fapi2-security',
      'fapi2-security-dpop',
    ]);
    expect(document.discovery).toBe(`${document.issuer}/.well-known/openid-configuration`);
    for (const client of Object.values<Record<string, unknown>>(document.clients)) {
      expect(client).toEqual({
        client_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        token_endpoint_auth_method: expect.stringMatching(
          client.client_secret ? 'client_secret_basic' : 'private_key_jwt',
        ),
        ...(client.client_secret !== undefined && { client_secret: expect.any(String) }),
        jwks: { keys: [expect.objectContaining({ d: expect.any(String), use: 'sig' })] },
        certificate: expect.stringMatching(/^\/.*\.pem$/),
        key: expect.stringMatching(/^\/.*\.key$/),
        redirect_uris: [expect.stringMatching(/^https:\/\/localhost:\d+\/callback$/)],
        scope: expect.stringMatching(/^openid .*id:all/),
      });
    }
    const ids = document.institutions.map(({ id }: { id: string }) => id);
    expect(document.institutions).toEqual(
      expect.arrayContaining([
        { id: expect.stringMatching(/^[0-9a-f]{32}$/), name: 'Northbank', kind: 'api' },
      ]),
    );
    for (const person of document.people) {
      expect(Object.keys(person)).toEqual(['institution', 'login', 'password', 'what']);
      expect(ids).toContain(person.institution);
    }
    expect(isAbsolute(document.ca)).toBe(true);
  });
});

describe('the guide to the sandbox', () => {
  it('names every demo person with login and password', async () => {
    const guide = await readFile('docs/sandbox.md', 'utf8');
    const { tpp } = await createSandbox({ directory, ports: await freePorts() });
    for (const { login, password, what } of tpp.people) {
      expect(guide.replace(/ +/g, ' ')).toContain(`| \`${login}\` | \`${password}\` | ${what} |`);
    }
  });
});

describe('a second start', () => {
  it('keeps certificates, keys, secrets and what was stored', async () => {
    const first = await startSandbox(directory);
    const before = first.tpp;
    const keys = await readFile(before.clients['fapi2-security'].key, 'utf8');
    const { client_id: id, client_secret: secret } = before.clients['identity-service'];
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
    const registered = await registerUser(first, authorization);
    await stop(first);

    const second = await startSandbox(directory);
    try {
      const { clients, ca } = second.tpp;
      expect({ ca, jwks: clients['fapi2-security'].jwks }).toEqual({
        ca: before.ca,
        jwks: before.clients['fapi2-security'].jwks,
      });
      expect(await readFile(clients['fapi2-security'].key, 'utf8')).toBe(keys);
      const found = await readUser(second, authorization, registered.userId);
      expect(found).toMatchObject({ userId: registered.userId, clientUserId: 'kept' });
    } finally {
      await stop(second);
    }
  });
});

async function token(sandbox: StartedSandbox, authorization: string, scope: string) {
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope }).toString();
  const answer = await sandbox.visit(`${sandbox.tpp.issuer}/token`, form, { authorization });
  expect(answer.status).toBe(200);
  return { authorization: `Bearer ${JSON.parse(answer.text).access_token}` };
}

async function registerUser(sandbox: StartedSandbox, authorization: string) {
  const bearer = await token(sandbox, authorization, 'user:create');
  const answer = await sandbox.visit(
    `${sandbox.urls.assent}/users`,
    JSON.stringify({ clientUserId: 'kept' }),
    { ...bearer, 'content-type': 'application/json' },
  );
  return JSON.parse(answer.text);
}

async function readUser(sandbox: StartedSandbox, authorization: string, userId: string) {
  const bearer = await token(sandbox, authorization, 'user:read');
  const answer = await sandbox.visit(`${sandbox.urls.assent}/users/${userId}`, undefined, bearer);
  return JSON.parse(answer.text);
}

describe('a sandbox whose port is taken', () => {
  it('says so and leaves nothing running', async () => {
    const ports = await freePorts();
    const other = createServer().listen(ports.tpp, '127.0.0.1');
    const sandbox = await createSandbox({ directory, ports, log: 'silent' });
    await expect(sandbox.start()).rejects.toMatchObject({ code: 'EADDRINUSE', port: ports.tpp });

    await new Promise((resolve) => other.close(resolve));
    await sandbox.start();
    await sandbox.stop();
  });
});
