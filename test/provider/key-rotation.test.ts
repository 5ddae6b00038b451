import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  decodeProtectedHeader,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose';
import * as openid from 'openid-client';
import { createLogger } from '../../create-logger.js';
import { createEventSigner } from '../../provider/keys/event-signer.js';
import { keySetId, keySets } from '../../provider/keys/key-set-record.js';
import { openKeys } from '../../provider/keys/open-keys.js';
import { createSigningKeys } from '../../provider/keys/signing-keys.js';
import { runAt } from '../../provider/library-clock.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { eventually } from '../support/eventually.js';
import { seedCode, seededRedirectUri } from '../support/seed-code.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { type Beside, startBeside } from '../support/start-beside.js';

const hour = 3600;
const day = 24 * hour;
const secret = 'a-secret-of-the-test-that-is-long-enough';
const clock = createMovingClock();

const clients = ['ES256', 'PS256'].map((algorithm) => ({
  client_id: algorithm,
  client_secret: secret,
  profile: 'identity-service',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [seededRedirectUri],
  id_token_signed_response_alg: algorithm,
}));

let one: RunningAssent;
/** Another process on the same store, as far as the store can tell. */
let other: Beside;
const refreshTokens = new Map<string, string>();

beforeAll(async () => {
  one = await startAssent({ clients }, { clock });
  other = await startBeside(one, { clock });
  for (const { client_id: clientId } of clients) {
    const scope = 'openid offline_access accounts:read';
    const { code } = await seedCode(one, { clientId, scope, seconds: 400 * day }, clock);
    const { body } = await post(one, clientId, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: seededRedirectUri,
    });
    refreshTokens.set(clientId, String(body.refresh_token));
  }
});

afterAll(async () => {
  await other.stop();
  await one.stop();
});

async function post(assent: Beside, clientId: string, form: Record<string, string>) {
  const response = await assent.fetch('/oidc/token', {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`,
    },
    body: new URLSearchParams(form),
  });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body };
}

async function refresh(assent: Beside, clientId = 'ES256'): Promise<string> {
  const form = {
    grant_type: 'refresh_token',
    refresh_token: refreshTokens.get(clientId) ?? '',
  };
  const { status, body } = await post(assent, clientId, form);
  expect({ status, body }).toMatchObject({ status: 200, body: { id_token: expect.any(String) } });
  return String(body.id_token);
}

const kidOf = (token: string) => decodeProtectedHeader(token).kid;

async function readCertificates(assent: Beside) {
  const response = await assent.fetch('/oidc/certs');
  return { response, keys: ((await response.json()) as JSONWebKeySet).keys };
}

const publishedKids = async (assent: Beside) =>
  (await readCertificates(assent)).keys.map(({ kid }) => kid);

async function signing(assent: Beside, algorithm = 'ES256'): Promise<string> {
  const keys = await assent.keys.list();
  const found = keys.filter((key) => key.algorithm === algorithm && key.state === 'signing');
  expect(found).toHaveLength(1);
  return String(found[0]?.kid);
}

/** As a strict cache has it: what it holds until it is stale, and nothing asked out of turn. */
function createCacheKeepingVerifier(assent: Beside) {
  let held: { keys: JSONWebKeySet; until: number } | undefined;

  return async function verify(token: string): Promise<void> {
    if (!held || clock.now() >= held.until) {
      const { response, keys } = await readCertificates(assent);
      const age = /^public, max-age=(\d+)$/.exec(response.headers.get('cache-control') ?? '')?.[1];
      held = { keys: { keys }, until: clock.now() + Number(age) * 1000 };
    }
    await jwtVerify(token, createLocalJWKSet(held.keys), { currentDate: new Date(clock.now()) });
  };
}

/** jose's own cache, at the time of the clock; one for each process of a relying party. */
function createJoseVerifier(assent: Beside) {
  const getKey = createRemoteJWKSet(new URL(`${assent.issuer}/certs`), {
    [customFetch]: (url: string) =>
      assent.fetch(new URL(url).pathname) as unknown as Promise<Response>,
  });
  return (token: string) => runAt(clock, () => jwtVerify(token, getKey, { issuer: assent.issuer }));
}

/** A relying party with `openid-client`, which refreshes and verifies signatures by itself. */
async function createRelyingParty(assent: Beside, clientId: string) {
  const configuration = await runAt(clock, () =>
    openid.discovery(
      new URL(assent.issuer),
      clientId,
      { id_token_signed_response_alg: clientId },
      openid.ClientSecretBasic(secret),
      {
        execute: [openid.enableNonRepudiationChecks],
        [openid.customFetch]: ((url: string, init: object) =>
          assent.fetch(url.replace(assent.configuration.publicUrl, ''), init)) as never,
      },
    ),
  );
  return async () => {
    const tokens = await runAt(clock, () =>
      openid.refreshTokenGrant(configuration, refreshTokens.get(clientId) ?? ''),
    );
    return kidOf(tokens.id_token ?? '');
  };
}

test('SEC-44: rotating under load, on two processes: no signature that a cache cannot verify', async () => {
  const parties = [one, other].map((assent) => ({
    assent,
    verify: [
      createCacheKeepingVerifier(assent),
      createCacheKeepingVerifier(assent),
      createJoseVerifier(assent),
    ],
  }));
  const relyingParties = await Promise.all([
    createRelyingParty(one, 'ES256'),
    createRelyingParty(other, 'PS256'),
  ]);
  const seen = new Set<string | undefined>();
  const kept: { token: string; until: number }[] = [];

  async function load(): Promise<void> {
    const turns = parties.flatMap(({ assent, verify }) =>
      ['ES256', 'PS256', 'ES256'].map(async (clientId, index) => {
        const token = await refresh(assent, clientId);
        seen.add(kidOf(token));
        kept.push({ token, until: clock.now() + hour * 1000 });
        // The second of the strict caches looks at others' tokens too.
        await Promise.all(verify.map((check) => check(token)));
        if (index === 0) await verify[1]?.(token);
      }),
    );
    const own = relyingParties.map(async (verifiedRefresh) => seen.add(await verifiedRefresh()));
    await Promise.all([...turns, ...own]);
  }

  const first = await publishedKids(one);
  for (let step = 0; step < 30; step++) {
    const turn = load();
    // While those requests are under way: both processes at once, and everybody's time moves.
    if (step === 2) await Promise.all([one.keys.rotate(), other.keys.rotate()]);
    if (step === 16) await one.keys.rotate('PS256');
    await turn;
    clock.advance(10 * 60);
  }
  expect(seen.size).toBe(2 + 2 + 1);
  // A token is good for its whole life, with what is published then.
  const jwks = createLocalJWKSet({ keys: (await readCertificates(other)).keys });
  const alive = kept.filter(({ until }) => until > clock.now());
  expect(alive.length).toBeGreaterThan(20);
  for (const { token } of alive)
    await jwtVerify(token, jwks, { currentDate: new Date(clock.now()) });
  expect(await publishedKids(one)).not.toEqual(expect.arrayContaining([first[0]]));
});

test('SEC-44: two processes that rotate at once end with the same keys, one more of each algorithm', async () => {
  const before = await one.keys.list();
  const answers = await Promise.all([
    one.keys.rotate(),
    other.keys.rotate(),
    one.keys.rotate('ES256'),
    other.keys.rotate('PS256'),
  ]);
  const after = await one.keys.list();
  const fresh = after.filter(({ state }) => state === 'published');
  expect(fresh.map(({ algorithm }) => algorithm).sort()).toEqual(['ES256', 'PS256']);
  expect(after).toHaveLength(before.length + 2);
  // Seen within a second.
  clock.advance(1);
  for (const { kid } of fresh) expect(await publishedKids(other)).toContain(kid);
  expect(answers[1].length).toBeLessThanOrEqual(after.length);
  expect((await one.keys.rotate()).map(({ kid }) => kid)).toEqual(after.map(({ kid }) => kid));
});

test('SEC-44: a key that made way never signs again, and nothing is left of its private half', async () => {
  await one.keys.rotate();
  const old = await signing(one);
  clock.advance(hour + 61);
  const tokens = await Promise.all(
    Array.from({ length: 10 }, (_, index) => refresh(index % 2 ? one : other)),
  );
  expect(tokens.map(kidOf)).not.toContain(old);
  // The scheduler of either process sees to it.
  await eventually(async () => {
    const stored = await one.storage.get(keySets, keySetId);
    const key = stored?.value.keys.find(({ kid }) => kid === old);
    expect(key).toBeDefined();
    expect(key).not.toHaveProperty('privateHalf');
  });
  expect(await publishedKids(one)).toContain(old);
  clock.advance(3 * hour);
  expect(await publishedKids(one)).not.toContain(old);
});

test('SEC-44: a compromised key is gone at once, in every process, and its successor signs', async () => {
  const compromised = await signing(one);
  const party = await createRelyingParty(other, 'ES256');
  const verify = createJoseVerifier(other);
  await verify(await refresh(other));
  expect(await party()).toBe(compromised);
  const forged = await refresh(other);

  await one.keys.revoke(compromised);
  clock.advance(1);
  for (const assent of [one, other]) expect(await publishedKids(assent)).not.toContain(compromised);
  const token = await refresh(other);
  expect(kidOf(token)).not.toBe(compromised);
  expect(await publishedKids(one)).toContain(kidOf(token));
  // Verifiers meet a key they do not know, and look again.
  clock.advance(60);
  await verify(token);
  expect(await party()).toBe(kidOf(token));
  const { keys } = await readCertificates(one);
  await expect(
    jwtVerify(forged, createLocalJWKSet({ keys }), { currentDate: new Date(clock.now()) }),
  ).rejects.toThrow('no applicable key');
  expect(await one.keys.list()).toContainEqual(
    expect.objectContaining({ kid: compromised, state: 'revoked', heldBy: 'nobody' }),
  );
  await expect(one.keys.revoke('unknown')).rejects.toThrow('There is no signing key unknown');
});

test('each process says in its log that it took a revoked key out of use, whoever revoked it', async () => {
  const lines: string[] = [];
  const logger = createLogger('warn', { write: (line) => void lines.push(line) });
  const { configuration, storage } = one;
  const keys = await openKeys({ configuration, storage, clock, logger }, () => {});
  await keys.signingKeys.refresh();
  const kid = await signing(one, 'ES256');
  await one.keys.revoke(kid);
  clock.advance(1);
  await keys.signingKeys.refresh();
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ kid, algorithm: 'ES256', msg: 'revoked key taken out of use' }),
  ]);
  await keys.close();
});

test('keys rotate by themselves when they are of age', async () => {
  const old = await signing(other);
  clock.advance(90 * day - hour);
  await eventually(async () => {
    const keys = await other.keys.list();
    expect(keys.filter(({ state }) => state === 'published')).toHaveLength(2);
  });
  expect(kidOf(await refresh(other))).toBe(old);
  clock.advance(hour);
  expect(kidOf(await refresh(other))).not.toBe(old);
});

test('events are signed with the key of the moment', async () => {
  const keys = createSigningKeys({
    storage: other.storage,
    clock,
    algorithms: ['ES256', 'PS256'],
    signer: undefined,
    onStored: () => {},
  });
  const token = await createEventSigner(keys)({ jti: 'event' }, 'PS256');
  expect(kidOf(token)).toBe(await signing(other, 'PS256'));
  const { payload } = await jwtVerify(
    token,
    createLocalJWKSet({ keys: (await readCertificates(one)).keys }),
  );
  expect(payload).toEqual({ jti: 'event' });
});

test('the key set may be cached for half as long as a new key waits, and is asked for by its tag', async () => {
  const { response, keys } = await readCertificates(one);
  expect(response.headers.get('content-type')).toBe('application/jwk-set+json; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('public, max-age=1800');
  const tag = response.headers.get('etag') ?? '';
  expect(tag).toBe(`"${hash('sha256', JSON.stringify({ keys }), 'base64url')}"`);
  // `fetch` adds `no-cache` to a conditional request that says nothing of the kind.
  const headers = { 'if-none-match': tag, 'cache-control': 'max-age=0' };
  const again = await one.fetch('/oidc/certs', { headers });
  expect({ status: again.status, body: await again.text() }).toEqual({ status: 304, body: '' });
  expect(again.headers.get('cache-control')).toBe('public, max-age=1800');
  for (const key of keys) {
    expect(key).toMatchObject({
      use: expect.stringMatching(/^(sig|enc)$/),
      kid: expect.any(String),
    });
    expect(Object.keys(key).filter((name) => 'd p q dp dq qi'.split(' ').includes(name))).toEqual(
      [],
    );
  }
  await one.keys.rotate();
  const changed = await one.fetch('/oidc/certs', { headers });
  clock.advance(1);
  const later = await one.fetch('/oidc/certs', { headers });
  expect([changed.status, later.status]).toContain(200);
  expect(later.status).toBe(200);
});

test('an operator rotates and revokes from the command line, beside running processes', async () => {
  const file = join(one.directory, 'assent.json');
  await writeFile(file, JSON.stringify({ ...one.configuration, clients: [] }));
  const run = async (...words: string[]) => {
    const args = ['dist/administer.js', 'keys', '--config', file, ...words];
    return (await promisify(execFile)(process.execPath, args)).stdout;
  };
  const table = await run('list');
  for (const { kid } of await one.keys.list()) expect(table).toContain(kid);
  expect(table).not.toMatch(/"d"/);

  const compromised = await signing(one, 'PS256');
  expect(await run('revoke', compromised)).toMatch(new RegExp(`${compromised} +revoked`));
  clock.advance(1);
  expect(await publishedKids(other)).not.toContain(compromised);
  await expect(run('revoke', compromised.slice(1))).rejects.toMatchObject({
    code: 1,
    stderr: `There is no signing key ${compromised.slice(1)}\n`,
  });
  // One id in 64 begins with a dash.
  for (const kid of ['-iaDPiKu1OX', '--aDPiKu1OX', '-'.repeat(3)]) {
    const stderr = `There is no signing key ${kid}\n`;
    await expect(run('revoke', kid)).rejects.toMatchObject({ code: 1, stderr });
  }
  await expect(run('revoke', '--unknown', compromised)).rejects.toMatchObject({ code: 1 });
  await expect(run('rotate', 'none')).rejects.toMatchObject({ code: 1 });
  await expect(run('destroy')).rejects.toMatchObject({ code: 2 });
});

test('no private key can be read from the file of the store', async () => {
  const stored = await one.storage.get(keySets, keySetId);
  const secrets = (stored?.value.keys ?? []).flatMap(({ privateHalf }) =>
    privateHalf && 'jwk' in privateHalf ? [String(privateHalf.jwk.d)] : [],
  );
  expect(secrets.length).toBeGreaterThan(1);
  const path = one.configuration.storage.url.replace('sqlite:', '');
  const files = await Promise.all([path, `${path}-wal`].map((name) => readFile(name, 'latin1')));
  for (const text of files) {
    for (const d of secrets) expect(text.includes(d)).toBe(false);
  }
});
