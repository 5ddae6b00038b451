import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWK,
  jwtVerify,
} from 'jose';
import { createEventSigner } from '../../provider/keys/event-signer.js';
import { keySetId, keySets } from '../../provider/keys/key-set-record.js';
import type { KeySigner } from '../../provider/keys/key-signer.js';
import { limitKeySigner } from '../../provider/keys/limit-key-signer.js';
import { loadKeySigner } from '../../provider/keys/load-key-signer.js';
import { makeKey } from '../../provider/keys/make-key.js';
import { SigningKey } from '../../provider/keys/signing-key.js';
import { createSigningKeys } from '../../provider/keys/signing-keys.js';
import { createMovingClock, type MovingClock } from '../adapters/support/moving-clock.js';
import { eventually } from '../support/eventually.js';
import { seedCode, seededRedirectUri, seedVisit } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { type Beside, startBeside } from '../support/start-beside.js';

const hour = 3600;
const secret = 'a-secret-of-the-test-that-is-long-enough';
const examples = join(import.meta.dirname, '../../docs/examples/key-signer');
const client = {
  client_id: 'tpp',
  client_secret: secret,
  profile: 'identity-service',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['authorization_code', 'implicit'],
  response_types: ['code', 'code id_token'],
  redirect_uris: [seededRedirectUri],
};

let directory: string;
let socket: string;
let process: ChildProcess;
let clock: MovingClock;
let assent: RunningAssent;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-signer-'));
  socket = join(directory, 'signer.sock');
});
afterAll(() => rm(directory, { recursive: true }));

/** A KMS as far as Assent can tell: another process, which alone has the keys. */
async function startSigner(): Promise<void> {
  const args = [join(examples, 'signer-process.mjs'), socket, join(directory, 'keys')];
  process = spawn(globalThis.process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (process.stdout) await once(process.stdout, 'data');
}

async function stopSigner(): Promise<void> {
  if (!process.kill('SIGKILL')) return;
  await once(process, 'exit');
}

const external = () => ({ module: join(examples, 'remote-signer.mjs'), options: { socket } });

beforeEach(async () => {
  await startSigner();
  clock = createMovingClock();
  const signing = { algorithms: ['ES256' as const, 'PS256' as const], external: external() };
  const other = { ...client, client_id: 'other', id_token_signed_response_alg: 'PS256' };
  assent = await startAssent({ clients: [client, other], signing }, { clock });
});
afterEach(async () => {
  await stopSigner();
  await assent.stop();
});

const makeCode = async (clientId = 'tpp') =>
  (await seedCode(assent, { clientId, seconds: 600 }, clock)).code;

async function redeem(code: string, at: Pick<Beside, 'fetch'> = assent, clientId = 'tpp') {
  const response = await at.fetch('/oidc/token', {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: seededRedirectUri,
    }),
  });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body };
}

async function verify(token: unknown): Promise<string | undefined> {
  const certificates = (await (await assent.fetch('/oidc/certs')).json()) as JSONWebKeySet;
  const keys = createLocalJWKSet(certificates);
  const currentDate = new Date(clock.now());
  return (await jwtVerify(String(token), keys, { currentDate })).protectedHeader.kid;
}

const unavailable = {
  status: 503,
  body: {
    error: 'temporarily_unavailable',
    error_description: 'answers cannot be signed at the moment',
  },
};

test('signs with keys of another process, of which the store knows no private half', async () => {
  const { status, body } = await redeem(await makeCode());
  expect(status).toBe(200);
  const kid = await verify(body.id_token);
  const stored = await assent.storage.get(keySets, keySetId);
  expect(stored?.value.keys.find((key) => key.kid === kid)?.privateHalf).toEqual({
    externalId: expect.stringMatching(/^ES256-/),
  });
  expect(JSON.stringify(stored?.value)).not.toMatch(/"d":/);
  expect(await readdir(join(directory, 'keys'))).toHaveLength(2);
});

test('an outage is 503 and never another key; the code it was asked with is still good', async () => {
  const kid = await verify((await redeem(await makeCode())).body.id_token);
  const code = await makeCode();
  await stopSigner();
  expect(await redeem(code)).toEqual(unavailable);
  const query = new URLSearchParams({
    client_id: 'tpp',
    scope: 'openid id:all',
    response_type: 'code id_token',
    redirect_uri: seededRedirectUri,
    nonce: 'a-nonce',
    state: 'a-state',
  });
  const { returned } = await seedVisit(assent, `/oidc/auth?${query}`, { clientId: 'tpp' }, clock);
  const answer = new URLSearchParams(new URL(returned.headers.get('location') ?? '').hash.slice(1));
  expect(Object.fromEntries(answer)).toEqual({
    error: 'temporarily_unavailable',
    error_description: 'answers cannot be signed at the moment',
    state: 'a-state',
    iss: assent.issuer,
  });
  // What is there already is shown, and nothing was added.
  expect((await assent.fetch('/oidc/certs')).status).toBe(200);
  expect(await assent.keys.list()).toHaveLength(2);

  await startSigner();
  const { status, body } = await redeem(code);
  expect(status).toBe(200);
  expect(await verify(body.id_token)).toBe(kid);
});

test('a key that is compromised while the signer is away is revoked all the same', async () => {
  const kid = await verify((await redeem(await makeCode())).body.id_token);
  const code = await makeCode();
  await stopSigner();
  await expect(assent.keys.revoke(String(kid))).rejects.toThrow(
    `${kid} is revoked, but no new key could be made: nothing is signed with its algorithm until one is`,
  );
  clock.advance(1);
  const shown = (await (await assent.fetch('/oidc/certs')).json()) as JSONWebKeySet;
  expect(shown.keys.map((key) => key.kid)).not.toContain(kid);
  expect(await redeem(code)).toEqual(unavailable);

  await startSigner();
  await eventually(async () => {
    // Failed jobs are tried again after a minute or two.
    clock.advance(60);
    const keys = await assent.keys.list();
    expect(keys.filter(({ state }) => state === 'signing')).toHaveLength(2);
  });
  clock.advance(1);
  const { status, body } = await redeem(await makeCode());
  expect(status).toBe(200);
  expect(await verify(body.id_token)).not.toBe(kid);
});

test('an algorithm that has no key holds up none that has one', async () => {
  const revoked = (await assent.keys.list()).find(({ algorithm }) => algorithm === 'PS256');
  await stopSigner();
  await expect(assent.keys.revoke(String(revoked?.kid))).rejects.toThrow('no new key');
  await startSigner();
  clock.advance(1);
  const code = await makeCode('other');
  expect(await redeem(code, assent, 'other')).toEqual(unavailable);
  const { status, body } = await redeem(await makeCode());
  expect(status).toBe(200);
  expect(await verify(body.id_token)).toMatch(/./);

  const keys = createSigningKeys({
    storage: assent.storage,
    clock,
    algorithms: ['ES256', 'PS256'],
    signer: await loadKeySigner({ ...assent.configuration.signing, external: external() }),
    onStored: () => {},
  });
  const signEvent = createEventSigner(keys);
  await expect(signEvent({ jti: 'event' }, 'PS256')).rejects.toThrow('temporarily_unavailable');
  for (const algorithm of ['ES256', undefined]) {
    const event = await signEvent({ jti: 'event' }, algorithm);
    expect(decodeProtectedHeader(event).alg).toBe('ES256');
  }
});

test('a key is revoked before the signer is asked for the next one, which may take as long as it likes', async () => {
  const kid = await verify((await redeem(await makeCode())).body.id_token);
  process.kill('SIGSTOP');
  const revoking = assent.keys.revoke(String(kid));
  await eventually(async () => {
    const keys = await assent.keys.list();
    expect(keys.find((key) => key.kid === kid)).toMatchObject({ state: 'revoked' });
  });
  clock.advance(1);
  const shown = (await (await assent.fetch('/oidc/certs')).json()) as JSONWebKeySet;
  expect(shown.keys.map((key) => key.kid)).not.toContain(kid);
  process.kill('SIGCONT');
  const signing = (await revoking).filter(({ state }) => state === 'signing');
  expect(signing.map(({ algorithm }) => algorithm).sort()).toEqual(['ES256', 'PS256']);
});

test('a signer that hangs is waited for, for a while, whatever it is asked; what it makes too late is destroyed', async () => {
  const silent = () => new Promise<never>(() => {});
  const asked: AbortSignal[] = [];
  const { promise: made, resolve: make } = Promise.withResolvers<{ id: string; publicJwk: JWK }>();
  const { promise: destroyed, resolve: destroy } = Promise.withResolvers<string>();
  const signer = (destroyKey: KeySigner['destroyKey']) =>
    limitKeySigner(
      {
        createKey: () => made,
        sign: (_key, _data, signal) => {
          asked.push(signal);
          return silent();
        },
        destroyKey,
      },
      { createKey: 10, sign: 10, destroyKey: 10 },
    );
  const late = 'the external signer did not answer in time';
  const key = { id: 'a-key', algorithm: 'ES256', kid: 'a-kid' };
  const hanging = signer(silent);
  await expect(hanging.destroyKey('a-key')).rejects.toThrow(late);
  await expect(hanging.sign(key, Buffer.from('a'), AbortSignal.any([]))).rejects.toThrow(late);
  expect(asked.map(({ aborted }) => aborted)).toEqual([true]);
  await expect(signer(async (id) => destroy(id)).createKey('ES256')).rejects.toThrow(late);
  make({ id: 'a-late-key', publicJwk: { kty: 'EC' } });
  expect(await destroyed).toBe('a-late-key');
});

test('a signer that throws instead of failing later is a signer that failed, and ends no process', async () => {
  const module = new URL('../../provider/keys/limit-key-signer.ts', import.meta.url);
  const script = `
    import { limitKeySigner } from '${module}';
    const fail = () => { throw new Error('the HSM is on fire'); };
    const signer = limitKeySigner({ createKey: fail, sign: fail, destroyKey: fail });
    const { signal } = new AbortController();
    const calls = [signer.createKey('ES256'), signer.sign({}, Buffer.of(), signal), signer.destroyKey('a')];
    for (const { reason } of await Promise.allSettled(calls)) console.log(reason.message);
  `;
  const run = promisify(execFile)(globalThis.process.execPath, [
    '--input-type=module',
    '-e',
    script,
  ]);
  expect((await run).stdout).toBe('the HSM is on fire\n'.repeat(3));
});

test('rotating makes the next key there, and destroys the old one there', async () => {
  const before = await readdir(join(directory, 'keys'));
  await assent.keys.rotate('ES256');
  const both = await readdir(join(directory, 'keys'));
  expect(both).toHaveLength(before.length + 1);
  clock.advance(hour + 61);
  await eventually(async () => {
    expect(await readdir(join(directory, 'keys'))).toHaveLength(before.length);
  });
  expect((await redeem(await makeCode())).status).toBe(200);
});

test('keys move out of the store by rotating; no key is left behind, and none is replaced in silence', async () => {
  const clients = [{ ...client, client_id: 'tpp' }];
  const local = await startAssent({ clients }, { clock });
  const moved = await startBeside(
    local,
    { clock },
    {
      signing: { ...local.configuration.signing, external: external() },
    },
  );
  try {
    const held = async () =>
      (await local.keys.list()).map(({ state, heldBy }) => `${state} ${heldBy}`).sort();
    expect(await held()).toEqual([
      'published external',
      'published external',
      'signing store',
      'signing store',
    ]);
    clock.advance(hour + 61);
    await eventually(async () => {
      expect(await held()).toEqual([
        'retiring nobody',
        'retiring nobody',
        'signing external',
        'signing external',
      ]);
    });
    await expect(startBeside(local, { clock })).rejects.toThrow(
      /^The ES256 signing key \S+ is held by an external signer: set signing.external again, or revoke the key$/,
    );
    // The signer is lost for good: the first process, which never knew it, replaces its keys.
    for (const { kid, state } of await local.keys.list()) {
      if (state === 'signing') await local.keys.revoke(kid);
    }
    clock.advance(1);
    const { code } = await seedCode(local, { clientId: 'tpp', seconds: 600 }, clock);
    expect((await redeem(code, local)).status).toBe(200);
    await (await startBeside(local, { clock })).stop();
  } finally {
    await moved.stop();
    await local.stop();
  }
});

test('keys that were just rotated move once, however often a process starts; a revocation moves to them', async () => {
  const local = await startAssent({ clients: [{ ...client }] }, { clock });
  const moved = { signing: { ...local.configuration.signing, external: external() } };
  try {
    await local.keys.rotate();
    clock.advance(60);
    for (const _start of [1, 2, 3]) await (await startBeside(local, { clock }, moved)).stop();
    const keys = await local.keys.list();
    const kidsOf = (state: string, heldBy: string) =>
      keys.flatMap((key) => (key.state === state && key.heldBy === heldBy ? [key.kid] : []));
    expect(kidsOf('published', 'store')).toHaveLength(2);
    expect(kidsOf('published', 'external')).toHaveLength(2);
    const beside = await startBeside(local, { clock }, moved);
    try {
      for (const kid of kidsOf('signing', 'store')) await beside.keys.revoke(kid);
      const after = await beside.keys.list();
      expect(after.flatMap(({ kid, state }) => (state === 'signing' ? [kid] : [])).sort()).toEqual(
        kidsOf('published', 'external').sort(),
      );
      expect(
        after
          .filter(({ state }) => state === 'retiring')
          .map(({ kid }) => kid)
          .sort(),
      ).toEqual(kidsOf('published', 'store').sort());
    } finally {
      await beside.stop();
    }
  } finally {
    await local.stop();
  }
});

test('what the published key does not verify, or comes too late, is never given out', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const good = await loadKeySigner({ ...assent.configuration.signing, external: external() });
  if (!good) throw new Error('no signer');
  const times = { createdAt: new Date(0).toISOString(), signsFrom: new Date(0).toISOString() };
  const key = await makeKey('ES256', good, times);
  const data = Buffer.from('header.payload');
  const brief = { createKey: 10, sign: 10, destroyKey: 10 };
  const signers: Record<string, KeySigner['sign']> = {
    'another key': async () => sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    'another form': async () => sign('sha256', data, privateKey),
    nothing: async () => new Uint8Array(),
    'other data': (which, _data, signal) => good.sign(which, Buffer.from('other'), signal),
    'an error': () => Promise.reject(new Error('the HSM is on fire')),
    silence: limitKeySigner({ ...good, sign: () => new Promise(() => {}) }, brief).sign,
  };
  const outcomes = await Promise.all(
    Object.entries(signers).map(async ([name, signElsewhere]) => {
      const signer = { ...good, sign: signElsewhere };
      const outcome = await new SigningKey(key, { signs: true, signer }).sign(data).catch(String);
      return [name, outcome];
    }),
  );
  for (const [name, outcome] of outcomes) {
    expect([name, outcome]).toEqual([name, 'SignerUnavailable: temporarily_unavailable']);
  }
  // Nor is such a key ever published.
  const wrong = { ...good, sign: async () => new Uint8Array(64) };
  await expect(makeKey('ES256', wrong, times)).rejects.toThrow('temporarily_unavailable');
});

test('a module that is none stops the start with one sentence', async () => {
  const module = join(directory, 'not-a-signer.mjs');
  const load = () =>
    loadKeySigner({ ...assent.configuration.signing, external: { module, options: {} } });
  for (const text of [
    'export const nothing = 1;',
    'export const createKeySigner = () => ({ sign() {} });',
  ]) {
    await writeFile(module, text);
    await expect(load()).rejects.toThrow(/^signing.external.module: .*: see docs\/keys.md$/);
  }
});
