import { mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { createClientKeys } from '../support/client-keys.js';
import { createFapiClient } from '../support/fapi-client.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { startTarget, type Target } from '../support/start-target.js';
import { expectExplained } from './support/expect-explained.js';

/* SEC-46: what the server of a client's keys can do to us, and whoever makes us ask it. */

const count = 200;
const mostConnections = 32;
const attacks = ['slow-loris', 'endless', 'gzip-bomb', 'gigabyte', 'silent'] as const;
/** Answers that are no keys, whatever their status. */
const answering = ['status 404', 'status 500', 'status 503'] as const;
const clock = createMovingClock();
const keys = await createClientKeys();

let directory: string;
let target: Target;
let assent: RunningAssent;
/** What the server does by the path it is asked for; serves the keys where nothing is said. */
const answers = new Map<string, (response: ServerResponse) => void>();
let bytesSent = 0;

const pathOf = (name: string) => `/${name.replace(' ', '-')}`;
const uriOf = (name: string) => `https://localhost:${target.port}${pathOf(name)}`;
const asked = (name: string) => target.received.filter(({ url }) => url === pathOf(name)).length;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-exhaustion-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  target = await startTarget(await authority.server('keys'), (response, { url = '' }) => {
    const answer = answers.get(url.slice(1));
    if (answer) answer(response);
    else response.end(JSON.stringify(keys.jwks));
  });
  const names = [
    ...attacks,
    'failing',
    'coalesced',
    'wrong',
    'mixed',
    ...answering,
    ...Array.from({ length: count }, many),
  ];
  assent = await startAssent(
    {
      outgoing: {
        allow: [`localhost:${target.port}`],
        certificateAuthorities: [authority.certificate],
      },
      clients: names.map((name) => ({
        client_id: name,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        scope: 'user:read',
        profile: 'identity-service',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks_uri: uriOf(name),
      })),
    },
    { clock },
  );
});

afterAll(async () => {
  await assent?.stop();
  await target?.stop();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(() => {
  target.received.length = 0;
});

function many(_: unknown, index: number): string {
  return `many-${index}`;
}

function ask(name: string) {
  const now = () => Math.floor(clock.now() / 1000);
  return createFapiClient(assent, name, keys, { now }).token({
    grant_type: 'client_credentials',
    scope: 'user:read',
  });
}

/** As fast as it is read, until it is read no more. */
function pour(response: ServerResponse, chunk: Buffer): void {
  const more = () => {
    bytesSent += chunk.length;
    if (!response.destroyed) response.write(chunk, more);
  };
  more();
}

const refused = { status: 401, body: { error: 'invalid_client' } };

test('SEC-46: a slow, endless, compressed, giant or silent key set is given up, once for all who ask', async () => {
  answers.set('slow-loris', (response) => {
    const timer = setInterval(() => response.write(' '), 50);
    response.on('close', () => clearInterval(timer));
  });
  answers.set('endless', (response) => pour(response, Buffer.alloc(65_536, ' ')));
  answers.set('gzip-bomb', (response) => {
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(Buffer.alloc(60_000_000, ' ')));
  });
  answers.set('gigabyte', (response) => {
    response.setHeader('content-length', String(2 ** 30));
    pour(response, Buffer.alloc(65_536, ' '));
  });
  answers.set('silent', () => undefined);

  const began = performance.now();
  await Promise.all(
    attacks.map(async (name) => {
      const [first] = await Promise.all(Array.from({ length: 10 }, () => ask(name)));
      if (!first) throw new TypeError('no answer');
      expect({ name, ...first }).toMatchObject({ name, ...refused });
      await expectExplained(assent, first, { clientId: name, error: 'invalid_client' });
      expect({ name, asked: asked(name) }).toEqual({ name, asked: 1 });
    }),
  );
  // The five seconds that one request has, where each of them in turn would take minutes.
  expect(performance.now() - began).toBeLessThan(25_000);
  // What fits into the buffers of both ends.
  expect(bytesSent).toBeLessThan(32 * 1024 * 1024);

  // Whoever comes now hears of it without waiting.
  for (const name of attacks) {
    expect(await ask(name)).toMatchObject(refused);
    expect({ name, asked: asked(name) }).toEqual({ name, asked: 1 });
  }
});

test('SEC-46: a server that fails is left alone for a while, and believed again after', async () => {
  answers.set('failing', (response) => response.destroy());
  for (let attempt = 0; attempt < 5; attempt++) expect(await ask('failing')).toMatchObject(refused);
  expect(asked('failing')).toBe(1);
  answers.delete('failing');
  expect(await ask('failing')).toMatchObject(refused);
  clock.advance(16);
  expect((await ask('failing')).status).toBe(200);
  expect(asked('failing')).toBe(2);
});

test.each(answering)('SEC-46: a server that answers with %s is left alone too', async (name) => {
  const status = Number(name.split(' ')[1]);
  answers.set(pathOf(name).slice(1), (response) => response.writeHead(status).end('busy'));
  for (let attempt = 0; attempt < 20; attempt++) expect(await ask(name)).toMatchObject(refused);
  expect(asked(name)).toBe(1);
  answers.delete(pathOf(name).slice(1));
  clock.advance(16);
  expect((await ask(name)).status).toBe(200);
});

test('SEC-41: of the keys that are published, those that are none cost nobody the others', async () => {
  const { kid, x } = { ...keys.publicJwk } as Record<string, unknown>;
  const spoilt = [{ kty: 'FOO' }, null, 'key', { kty: 'EC', crv: 'P-256', kid, x, y: x }];
  answers.set('mixed', (response) =>
    response.end(JSON.stringify({ keys: [...spoilt, ...keys.jwks.keys] })),
  );
  expect((await ask('mixed')).status).toBe(200);
});

test('SEC-46: keys that never verify are asked for no oftener than once a minute', async () => {
  const stranger = await createClientKeys();
  const now = () => Math.floor(clock.now() / 1000);
  const client = createFapiClient(assent, 'wrong', stranger, { now });
  for (let attempt = 0; attempt < 10; attempt++) {
    expect(await client.token({ grant_type: 'client_credentials' })).toMatchObject(refused);
  }
  expect(asked('wrong')).toBe(1);
});

test('SEC-46: all who need the same keys at once share one request', async () => {
  const answered = await Promise.all(Array.from({ length: 50 }, () => ask('coalesced')));
  expect(answered.map(({ status }) => status)).toEqual(Array(50).fill(200));
  expect(asked('coalesced')).toBe(1);
});

test('SEC-46: many clients whose keys are stale at once are served over a few connections', async () => {
  const before = target.connections();
  const answered = await Promise.all(
    Array.from({ length: count }, (_, index) => ask(`many-${index}`)),
  );
  expect(new Set(answered.map(({ status }) => status))).toEqual(new Set([200]));
  expect(target.received).toHaveLength(count);
  expect(target.connections() - before).toBeLessThanOrEqual(mostConnections);
});
