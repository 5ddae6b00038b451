import { execFile } from 'node:child_process';
import {
  chmod,
  lstat,
  open as openFile,
  readFile,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runAdminCommand } from '../../composition/administer/run-admin-command.js';
import { loadConfiguration } from '../../config/load-configuration.js';
import { systemClock } from '../../core/clock.js';
import { createLogger } from '../../create-logger.js';
import { createClientKeys } from '../support/client-keys.js';
import { eventually } from '../support/eventually.js';
import { startAdmin } from './support/start-admin.js';

let admin: Awaited<ReturnType<typeof startAdmin>>;
let config: string;

beforeAll(async () => {
  admin = await startAdmin();
  config = join(admin.directory, 'assent.json');
  await writeFile(config, JSON.stringify(admin.configuration));
});
afterAll(() => admin.stop());

const program = join(import.meta.dirname, '../../dist/administer.js');

/** The built command, as an operator starts it beside the running service. */
function spawn(...args: readonly string[]) {
  return new Promise<{ status: number; output: string }>((resolve) => {
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: admin.authority.certificate };
    const child = execFile(process.execPath, [program, ...args], { env }, (error, out, err) => {
      resolve({ status: error ? Number(error.code) : 0, output: `${out}${err}`.trimEnd() });
    });
    child.stdin?.end();
  });
}

/** The same without a process of its own. */
function run(...args: readonly string[]) {
  return runAdminCommand(args, {
    loadConfiguration: (file) => loadConfiguration({ file, environment: {} }),
    clock: systemClock,
    logger: createLogger('silent'),
    user: 'tester',
    readInput: async () => '',
  });
}

const inDirectory = (name: string) => join(admin.directory, name);

test('the first operator is made by the command, and calls the API with the key it was given', async () => {
  const key = inDirectory('me.json');
  const made = await spawn('create-operator', 'Ops', '--key', key, '--config', config);
  expect(made).toMatchObject({ status: 0, output: expect.stringContaining('operator-') });
  expect((await stat(key)).mode & 0o777).toBe(0o600);
  const written = await readFile(key, 'utf8');

  // A key is never written over.
  const again = run('create-operator', 'Ops', '--key', key, '--config', config);
  await expect(again).rejects.toThrow('EEXIST');
  expect(await readFile(key, 'utf8')).toBe(written);

  const { jwks } = await createClientKeys();
  const body = inDirectory('client.json');
  await writeFile(
    body,
    JSON.stringify({
      client_name: 'From the terminal',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
      dpop_bound_access_tokens: true,
      redirect_uris: ['https://app.example/callback'],
    }),
  );
  const created = await spawn('call', 'POST', '/clients', body, '--key', key);
  expect(created.output).toMatch(/^201 {2}ETag "\d+-\d+"\n/);
  const [, etag = '', clientId = ''] =
    /^201 {2}ETag "([^"]+)"[\s\S]*?"clientId": "([^"]+)"/.exec(created.output) ?? [];
  const changed = inDirectory('change.json');
  await writeFile(changed, JSON.stringify({ client_name: 'Again from the terminal' }));
  const path = `/clients/${clientId}`;
  const ifMatch = ['--key', key, '--if-match', etag];
  expect((await spawn('call', 'PATCH', path, changed, ...ifMatch)).output).toMatch(/^200/);
  expect((await spawn('call', 'PATCH', path, changed, ...ifMatch)).output).toMatch(/^412/);
  const looking = inDirectory('looking.json');
  const readOnly = ['--scope', 'clients:read', '--key', looking, '--config', config];
  expect((await run('create-operator', 'Looks', ...readOnly)).status).toBe(0);
  const tried = await spawn('call', 'POST', '/clients/dry-run', body, '--key', looking);
  expect(tried.output).toMatch(/^200/);
  const refused = await spawn('call', 'POST', '/clients', body, '--key', looking);
  expect(refused.output).toContain('no token for clients:read clients:write: invalid_scope');
  const wrong = ['--scope', 'clients:red', '--key', inDirectory('wrong.json'), '--config', config];
  expect(await run('create-operator', 'Wrong', ...wrong)).toEqual({
    status: 2,
    output: '--scope takes some of clients:read, clients:write, keys:read, keys:write',
  });

  const found = await spawn('call', 'get', '/clients?search=terminal', '--key', key);
  const { clients } = JSON.parse(found.output.slice(found.output.indexOf('{')));
  expect(clients).toMatchObject([{ updatedBy: { kind: 'operator' } }]);

  const listed = await run('list-operators', '--config', config);
  const id = /(operator-\S+).* Ops$/m.exec(listed.output)?.[1] ?? '';
  expect(listed.output).toContain('clients:read clients:write keys:read keys:write  Ops');
  expect((await run('remove-operator', id, '--config', config)).status).toBe(0);
  // Within a second.
  await eventually(async () => {
    const late = await spawn('call', 'GET', '/clients', '--key', key);
    expect(late).toMatchObject({ status: 1, output: expect.stringContaining('invalid_client') });
  });
}, 90_000);

test('a key that is revoked again keeps the time of the incident, and the command says when that was', async () => {
  const [key] = await admin.keys.list();
  const kid = String(key?.kid);
  await run('keys', 'revoke', kid, '--config', config);
  const { revokedAt } = (await admin.keys.list()).find((one) => one.kid === kid) ?? {};
  const again = await run('keys', 'revoke', kid, '--config', config);
  expect(again.output).toMatch(new RegExp(`^${kid} was revoked already, at ${revokedAt}\nalg `));
});

test('who may write may read, and an operator that was disabled is enabled by the command', async () => {
  const make = (name: string, ...options: string[]) =>
    run(
      'create-operator',
      name,
      '--key',
      inDirectory(`${name}.json`),
      '--config',
      config,
      ...options,
    );
  await make('Writes', '--scope', 'keys:write clients:write');
  await make('Looks-on', '--scope', 'keys:write', '--read-only');
  const list = async () => (await run('list-operators', '--config', config)).output;
  expect(await list()).toMatch(/ {2}clients:read clients:write keys:read keys:write {2}Writes$/m);
  expect(await list()).toMatch(/ {2}keys:read {2}Looks-on$/m);

  const id = /^(operator-\S+).* Writes$/m.exec(await list())?.[1] ?? '';
  const call = (method: string, path: string) =>
    spawn('call', method, path, '--key', inDirectory('Writes.json'), '--if-match', '*');
  const own = await call('POST', `/clients/${id}/disable`);
  expect(own.output).toMatch(/^409/);
  expect(own.output).toContain('You cannot disable yourself');
  const disabled = await admin.call('POST', `/clients/${id}/disable`, {}, { 'if-match': '*' });
  expect(disabled.status).toBe(200);
  expect(await list()).toMatch(/ {2}inactive {2}.* Writes$/m);
  const enabled = await run('enable-operator', id, '--config', config);
  expect(enabled).toEqual({ status: 0, output: `${id} is active` });
  expect(await list()).toMatch(/ {2}active {2}.* Writes$/m);
  expect((await call('GET', '/keys')).output).toMatch(/^200/);
  await expect(run('enable-operator', 'nobody', '--config', config)).rejects.toThrow(
    'There is no such operator',
  );
}, 90_000);

test('all clients leave as one file and come back, with a plan before', async () => {
  const file = inDirectory('clients.json');
  await admin.call('POST', '/clients', {
    profile: 'identity-service',
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: ['https://secret.example/callback'],
  });
  const open = await run('export', '--config', config);
  expect(open.output).not.toContain('client_secret"');
  // Also where one of that name could be read by everybody.
  await writeFile(file, '{}');
  await chmod(file, 0o644);
  const reader = await openFile(file);
  await run('export', file, '--secrets', '--config', config);
  expect(await reader.readFile('utf8')).toBe('{}');
  await reader.close();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const document = JSON.parse(await readFile(file, 'utf8'));
  expect(await run('plan', file, '--config', config)).toEqual({
    status: 0,
    output: `${document.clients.length} unchanged`,
  });

  document.clients[0].client_name = 'Another name';
  const [first, ...others] = document.clients;
  await writeFile(file, JSON.stringify({ ...document, clients: [first] }));
  const plan = await run('plan', file, '--prune', '--config', config);
  expect(plan.output).toContain(`~ ${first.client_id}  updated`);
  expect(plan.output).toContain('→ "Another name"');
  for (const { client_id: id } of others) expect(plan.output).toContain(`- ${id}  deleted`);
  expect(await run('apply', file, '--config', config)).toMatchObject({ status: 0 });
  const { body } = await admin.call('GET', `/clients/${first.client_id}`);
  expect(body).toMatchObject({
    metadata: { client_name: 'Another name' },
    updatedBy: { kind: 'command', id: 'tester' },
  });

  first.redirect_uris = ['http://elsewhere.example/'];
  await writeFile(file, JSON.stringify({ ...document, clients: [first] }));
  const before = (await admin.call('GET', `/clients/${first.client_id}`)).etag;
  const broken = await run('apply', file, '--config', config);
  expect(broken).toMatchObject({ status: 1, output: expect.stringContaining('! redirect_uris.0') });
  expect((await admin.call('GET', `/clients/${first.client_id}`)).etag).toBe(before);
});

test('an export goes through a pipe, and through a link to the file that it names', async () => {
  const pipe = inDirectory('pipe');
  await promisify(execFile)('mkfifo', [pipe]);
  const piped = readFile(pipe, 'utf8');
  await run('export', pipe, '--config', config);
  expect((await stat(pipe)).isFIFO()).toBe(true);
  expect(JSON.parse(await piped)).toMatchObject({ format: 'assent-configuration' });

  const [file, link] = [inDirectory('linked.json'), inDirectory('link.json')];
  await writeFile(file, '{}', { mode: 0o644 });
  await symlink(file, link);
  await run('export', link, '--config', config);
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await readFile(file, 'utf8')).toBe(await readFile(link, 'utf8'));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
}, 30_000);

describe('a registration token', () => {
  const make = (...options: string[]) =>
    run('create-registration-token', 'Budget Ltd', ...options, '--config', config);
  const list = async () => (await run('list-registration-tokens', '--config', config)).output;

  test.each([
    ['{', 'is not JSON'],
    ['{"members":["client_secret"]}', 'is no registration policy: members.0: '],
    ['{"profile":"x","scopes":[]}', 'is no registration policy: scopes: '],
  ])('is not made for a policy of no sense, which is named: %s', async (text, message) => {
    const file = inDirectory('policy.json');
    await writeFile(file, text);
    await expect(make('--policy', file)).rejects.toThrow(`${file} ${message}`);
    expect(await list()).toBe('There are no registration tokens');
  });

  test('is not made for scopes that there are none of, nor for other numbers', async () => {
    const file = inDirectory('policy.json');
    await writeFile(file, '{"scopes":["openid","acounts:read"]}');
    await expect(make('--policy', file)).rejects.toThrow(
      'policy.scopes: there is no scope acounts:read',
    );
    for (const [name, most] of [['uses', 1_000_000] as const, ['days', 3650] as const]) {
      expect(await make(`--${name}`, '0')).toEqual({
        status: 2,
        output: `--${name} takes a whole number from 1 to ${most}`,
      });
    }
    expect(await list()).toBe('There are no registration tokens');
    const body = { note: 'x', policy: { scopes: ['acounts:read'] } };
    expect(await admin.call('POST', '/registration-tokens', body)).toMatchObject({
      status: 400,
      body: { message: 'policy.scopes: there is no scope acounts:read' },
    });
  });

  test('is told to be of no use where nobody may register', async () => {
    const { status, output } = await make();
    expect(status).toBe(0);
    expect(output).toContain('features.registration is off: until it is on, nobody can register');
    const id = /Its id is (\S+);/.exec(output)?.[1] ?? '';
    await run('revoke-registration-token', id, '--config', config);
  });
});

test.each([
  ['nothing at all', []],
  ['no such command', ['fly']],
  ['an inherited name', ['constructor']],
  ['an operator without a key', ['create-operator', 'Ops']],
  ['a call without a key', ['call', 'GET', '/clients']],
])('a wrong call tells how it is done: %s', async (_, words) => {
  const needsConfig = words[0] === 'create-operator' ? ['--config', config] : [];
  const { status, output } = await run(...words, ...needsConfig);
  expect({ status, output }).toEqual({ status: 2, output: expect.stringContaining('Usage:') });
});
