import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadKeySigner } from '../../provider/keys/load-key-signer.js';
import { forgetKey, makeKey } from '../../provider/keys/make-key.js';
import { SigningKey } from '../../provider/keys/signing-key.js';
import { startAssent } from '../support/start-assent.js';

const examples = join(import.meta.dirname, '../../docs/examples/key-signer');
const library = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/local/lib/softhsm/libsofthsm2.so'].find(
  (path) => existsSync(path),
);
const isInstalled = (tool: string) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool)));
const missing = [
  ...(library === undefined || !isInstalled('softhsm2-util') ? ['softhsm2'] : []),
  ...(isInstalled('pkcs11-tool') ? [] : ['opensc']),
];
const pin = '4711-0815';
const times = { createdAt: '2026-01-01T00:00:00.000Z', signsFrom: '2026-01-01T00:00:00.000Z' };

/** The command lines of every process, as anybody on the machine can read them. */
async function commandLines(): Promise<readonly string[]> {
  const processes = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const lines = processes.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(lines)).map((line) => line.replaceAll('\0', ' '));
}

let directory: string;
let socket: string;
let signerProcess: ChildProcess;
let environment: NodeJS.ProcessEnv;

const name =
  missing.length === 0
    ? 'keys in a PKCS#11 token'
    : `keys in a PKCS#11 token (not installed: ${missing.join(', ')})`;
(missing.length === 0 ? describe : describe.skip)(name, () => {
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'assent-pkcs11-'));
    socket = join(directory, 'signer.sock');
    await mkdir(join(directory, 'tokens'));
    const configuration = join(directory, 'softhsm2.conf');
    await writeFile(configuration, `directories.tokendir = ${join(directory, 'tokens')}\n`);
    await writeFile(join(directory, 'pin'), `${pin}\n`, { mode: 0o600 });
    environment = {
      ...process.env,
      SOFTHSM2_CONF: configuration,
      PKCS11_MODULE: library,
      PKCS11_TOKEN: 'assent',
      PKCS11_PIN_FILE: join(directory, 'pin'),
    };
    const token = ['--init-token', '--free', '--label', 'assent', '--so-pin', '12345678'];
    execFileSync('softhsm2-util', [...token, '--pin', pin], { env: environment });
    signerProcess = spawn(process.execPath, [join(examples, 'pkcs11-process.mjs'), socket], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (signerProcess.stdout) await once(signerProcess.stdout, 'data');
  });
  afterAll(async () => {
    if (signerProcess.kill()) await once(signerProcess, 'exit');
    await rm(directory, { recursive: true, force: true });
  });

  const external = () => ({ module: join(examples, 'remote-signer.mjs'), options: { socket } });

  async function openSigner() {
    const signer = await loadKeySigner({
      ...{ algorithms: ['ES256'], publishBefore: 3600, rotateEvery: 0 },
      external: external(),
    });
    if (!signer) throw new Error('no signer');
    return signer;
  }

  /** What the token holds, as its own tool tells it. */
  function objects(): string {
    const args = ['--module', String(library), '--token-label', 'assent', '--login'];
    const env = { ...environment, PIN: pin };
    return execFileSync('pkcs11-tool', [...args, '--pin', 'env:PIN', '-O'], { env }).toString();
  }

  test.each(['ES256', 'PS256', 'RS256'])(
    'sign %s, cannot be taken out, and are destroyed',
    async (algorithm) => {
      const signer = await openSigner();
      // It signs once with the key, and looks at the signature.
      const key = await makeKey(algorithm, signer, times);
      expect(JSON.stringify(key)).not.toMatch(/"[dpq]":/);
      expect(key.privateHalf).toEqual({ externalId: expect.stringMatching(`^${algorithm}-`) });
      const id =
        key.privateHalf && 'externalId' in key.privateHalf ? key.privateHalf.externalId : '';
      expect(objects()).toMatch(
        new RegExp(`Private Key Object[^]*label: +${id}[^]*?Access: +sensitive.*never extractable`),
      );
      // Many at once; each is verified with the published key.
      const signing = new SigningKey(key, { signs: true, signer });
      const all = Array.from({ length: 5 }, (_, index) =>
        signing.sign(Buffer.from(`part ${index}`)),
      );
      expect(await Promise.all(all)).toHaveLength(5);
      await forgetKey(key, signer);
      expect(objects()).not.toContain(id);
      await forgetKey(key, signer);
      await expect(signing.sign(Buffer.from('late'))).rejects.toThrow();
    },
    90_000,
  );

  test('sign for a whole Assent', async () => {
    const signing = { algorithms: ['ES256' as const, 'PS256' as const], external: external() };
    const assent = await startAssent({ signing });
    try {
      const keys = await assent.keys.list();
      expect(keys.map(({ heldBy, state }) => `${state} ${heldBy}`)).toEqual([
        'signing external',
        'signing external',
      ]);
      const [kid = ''] = keys.map((key) => key.kid);
      const after = await assent.keys.revoke(kid);
      expect(after.filter(({ state }) => state === 'signing')).toHaveLength(2);
    } finally {
      await assent.stop();
    }
  });

  test('the PIN is on no command line', async () => {
    const signer = await openSigner();
    const made = signer.createKey('PS256');
    const seen = new Set<string>();
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        for (const line of await commandLines()) if (line.includes('pkcs11')) seen.add(line);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await made;
    isOver = true;
    await watching;
    expect([...seen].some((line) => line.startsWith('pkcs11-tool'))).toBe(true);
    expect([...seen].join('\n')).not.toContain(pin);
  });
});
