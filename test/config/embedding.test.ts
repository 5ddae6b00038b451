import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Agent, fetch } from 'undici';
import { loadConfiguration } from '../../config/load-configuration.js';
import { systemClock } from '../../core/clock.js';
import { createAssent } from '../../create-assent.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { freePort } from '../support/free-port.js';

/* docs/examples/bank, as a bank starts it. */

const example = join(import.meta.dirname, '../../docs/examples/bank');
let directory: string;
let authority: Awaited<ReturnType<typeof openCertificateAuthority>>;
const started: ChildProcessWithoutNullStreams[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-bank-'));
  await mkdir(join(directory, 'tls'));
  authority = await openCertificateAuthority(join(directory, 'tls'), systemClock);
  await authority.server('server');
  await cp(authority.certificate, join(directory, 'tls/client-authority.pem'));
  await cp(join(example, 'assent.json'), join(directory, 'assent.json'));
});
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

test('the program of docs/embedding.md is a bank that runs and stops', async () => {
  const [browser, mtls] = [await freePort(), await freePort()];
  const file = join(directory, 'assent.json');
  const child = spawn(process.execPath, [join(example, 'bank.mjs'), file], {
    env: {
      ...process.env,
      ASSENT_LISTEN__BROWSER__PORT: String(browser),
      ASSENT_LISTEN__MTLS__PORT: String(mtls),
      ASSENT_LOG: 'silent',
      ASSENT_PUBLIC_URL: `https://localhost:${browser}`,
      ASSENT_MTLS_URL: `https://localhost:${mtls}`,
    },
  });
  started.push(child);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part) => {
      printed += part;
    });
  }
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), ended]);
  expect(printed).toContain(`The bank is ready: https://localhost:${browser}/oidc`);
  const agent = new Agent({ connect: { ca: await readFile(authority.certificate, 'utf8') } });
  const issuer = `https://localhost:${browser}/oidc`;
  const metadata = `${issuer}/.well-known/openid-configuration`;
  expect(await (await fetch(metadata, { dispatcher: agent })).json()).toMatchObject({
    issuer,
    scopes_supported: expect.arrayContaining(['openid', 'accounts']),
  });
  await agent.destroy();
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('what the program imports is declared to TypeScript', async () => {
  const options = ['--noEmit', '--allowJs', '--checkJs', '--strict', '--skipLibCheck'];
  const target = ['--target', 'es2024', '--module', 'nodenext', '--types', 'node'];
  const compiler = join(import.meta.dirname, '../../node_modules/.bin/tsc');
  const args = ['--ignoreConfig', ...options, ...target, join(example, 'bank.mjs')];
  const outcome = await promisify(execFile)(compiler, args).catch((error) => error);
  expect(outcome.stdout).toBe('');
});

test('without a ledger, the bank role is refused before anything is made', async () => {
  const configuration = await loadConfiguration({
    file: join(directory, 'assent.json'),
    environment: { ASSENT_STORAGE__URL: `sqlite:${join(directory, 'none/bank.db')}` },
  });
  const before = await readdir(directory);
  await expect(createAssent({ configuration })).rejects.toThrow(
    'The bank role needs a ledger, which only a program that embeds Assent can give: see docs/embedding.md',
  );
  expect(await readdir(directory)).toEqual(before);
});
