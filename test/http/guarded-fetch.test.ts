import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../core/clock.js';
import {
  createGuardedFetch,
  type GuardedFetchOptions,
  OutgoingFailure,
} from '../../http/guarded-fetch.js';
import { lookUpByNameServer } from '../../http/look-up.js';
import { isPublicAddress } from '../../http/special-use-addresses.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { startTarget, type Target } from '../support/start-target.js';

let directory: string;
let authority: string;
let target: Target;
let answer: (response: ServerResponse) => void;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-fetch-'));
  const authorities = await openCertificateAuthority(directory, systemClock);
  authority = await readFile(authorities.certificate, 'utf8');
  target = await startTarget(await authorities.server('target'), (response) => answer(response));
});
beforeEach(() => {
  target.received.length = 0;
  answer = (response) => response.end('hello');
});
afterAll(async () => {
  await Promise.all(open.map((fetch) => fetch.close()));
  await target.stop();
  await rm(directory, { recursive: true });
});

function createFetch(options: Partial<GuardedFetchOptions> = {}) {
  const certificateAuthorities = [authority];
  const fetch = createGuardedFetch({
    allow: [],
    certificateAuthorities,
    // Far longer than a busy machine needs.
    timeout: 20_000,
    ...options,
  });
  open.push(fetch);
  return fetch;
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof OutgoingFailure)) throw new Error('did not fail', { cause: error });
  return error.reason;
}

const on = (host: string) => `https://${host}:${target.port}/`;

test.each([
  ['a private address', '127.0.0.1'],
  ['one in hexadecimal', '0x7f.1'],
  ['one as a single number', '2130706433'],
  ['one in octal', '0177.0.0.1'],
  ['one with a trailing dot', '127.0.0.1.'],
  ['one with wide digits', '１２７.0.0.1'],
  ['a mapped one', '[::ffff:127.0.0.1]'],
  ['a compatible one', '[::127.0.0.1]'],
  ['that of IPv6', '[::1]'],
  ['no address at all', '0.0.0.0'],
  ['where clouds tell their secrets', '169.254.169.254'],
  ['a name that resolves to loopback', 'localhost'],
  ['one with a trailing dot', 'localhost.'],
])('refuses to connect to %s (%s, SEC-45)', async (_, host) => {
  const before = target.connections();
  expect(await failureOf(createFetch()(on(host)))).toBe('no_public_address');
  expect(target.connections()).toBe(before);
});

test('refuses a name of which one record is private, and one that is unknown, alike (SEC-45)', async () => {
  const before = target.connections();
  const [good, bad] = ['93.184.215.14', '127.0.0.1'].map((address) => ({ address, family: 4 }));
  for (const resolve of [
    async () => [good, bad].flatMap((record) => record ?? []),
    async () => [],
    () => Promise.reject(new Error('ENOTFOUND')),
  ]) {
    expect(await failureOf(createFetch({ resolve })(on('hooks.example')))).toBe(
      'no_public_address',
    );
  }
  expect(target.connections()).toBe(before);
});

test('a name whose server keeps silent is waited for no longer than the time (SEC-46)', async () => {
  const silent = createSocket('udp4');
  silent.bind(0, '127.0.0.1');
  await once(silent, 'listening');
  let asked = 0;
  silent.on('message', () => asked++);
  const servers = [`127.0.0.1:${silent.address().port}`];
  // One that gives up of itself in time, and one that does not.
  for (const [timeout, resolve, reason] of [
    [20_000, lookUpByNameServer(500, servers), 'no_public_address'],
    [500, () => wait(20_000, [], { ref: false }), 'timed_out'],
  ] as const) {
    const before = performance.now();
    const sent = createFetch({ timeout, resolve })(on('hooks.example'));
    expect(await failureOf(sent)).toBe(reason);
    expect(performance.now() - before).toBeLessThan(10_000);
  }
  silent.close();
  expect(asked).toBeGreaterThan(1);
});

test('connects to the address it looked at, whatever the name says later (SEC-45)', async () => {
  let lookups = 0;
  // The name has no address outside of this test: only what was resolved can have been connected to.
  const fetch = createFetch({
    allow: ['127.0.0.0/8'],
    resolve: async () => [{ address: lookups++ === 0 ? '127.0.0.1' : '10.0.0.1', family: 4 }],
  });
  const before = target.connections();
  expect(await failureOf(fetch(on('hooks.example')))).toBe('tls_failed');
  expect([lookups, target.connections() - before]).toEqual([1, 1]);
  // The next connection is looked at anew.
  expect(await failureOf(fetch(on('hooks.example')))).toBe('no_public_address');
});

test.each([
  ['the host', () => 'localhost', true],
  ['the host and its port', () => `localhost:${target.port}`, true],
  ['another port of the host', () => 'localhost:1', false],
  ['another host', () => 'elsewhere', false],
  ['the network', () => '127.0.0.0/8', true],
  ['another network', () => '10.0.0.0/8', false],
])('with %s allowed', async (_, allow, reached) => {
  // The one family, since the name may have ::1 too.
  const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
  const sent = createFetch({ allow: [allow()], resolve })(on('localhost'));
  if (reached) expect((await sent).body.toString()).toBe('hello');
  else expect(await failureOf(sent)).toBe('no_public_address');
});

test.each([
  'http://localhost/',
  'https://user@localhost/',
  'https://user:password@localhost/',
  'file:///etc/passwd',
  'no url',
])('refuses %s (SEC-45)', async (url) => {
  expect(await failureOf(createFetch({ allow: ['localhost'] })(url))).toBe('invalid_url');
});

test('sends what it is given, without a proxy of the environment', async () => {
  process.env.HTTPS_PROXY = 'http://127.0.0.1:1';
  const { status } = await createFetch({ allow: ['localhost'] })(target.url, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: 'news',
  });
  delete process.env.HTTPS_PROXY;
  expect(status).toBe(200);
  expect(target.received).toMatchObject([
    { method: 'POST', body: 'news', headers: { 'content-type': 'text/plain' } },
  ]);
});

test('follows no redirect (SEC-45)', async () => {
  answer = (response) => response.writeHead(302, { location: '/elsewhere' }).end();
  expect((await createFetch({ allow: ['localhost'] })(target.url)).status).toBe(302);
  expect(target.received).toHaveLength(1);
});

test('believes no certificate of an unknown authority, whatever the environment says', async () => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  const fetch = createFetch({ allow: ['localhost'], certificateAuthorities: [] });
  expect(await failureOf(fetch(target.url))).toBe('tls_failed');
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  expect(target.received).toEqual([]);
});

describe('SEC-46: a server that', () => {
  const fetch = (timeout = 20_000) => createFetch({ allow: ['localhost'], timeout })(target.url);

  test('never answers is waited for no longer than the time', async () => {
    answer = () => undefined;
    const before = performance.now();
    expect(await failureOf(fetch(300))).toBe('timed_out');
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  test('sends its body a byte at a time has the same time', async () => {
    answer = (response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    };
    expect(await failureOf(fetch(300))).toBe('timed_out');
  });

  test('resets the connection has failed', async () => {
    answer = (response) => response.destroy();
    expect(await failureOf(fetch())).toBe('connection_failed');
  });

  test('does not speak HTTP has failed', async () => {
    answer = (response) => response.socket?.end('nonsense\r\n\r\n');
    expect(await failureOf(fetch())).toBe('invalid_answer');
  });

  test('sends without end is read no further than the limit', async () => {
    let sent = 0;
    const ends: Promise<unknown>[] = [];
    answer = (response) => {
      ends.push(once(response, 'close'));
      const more = () => {
        sent += 65_536;
        if (!response.destroyed) response.write(Buffer.alloc(65_536), more);
      };
      more();
    };
    expect(await failureOf(fetch())).toBe('too_large');
    expect(
      (await createFetch({ allow: ['localhost'] })(target.url, { statusOnly: true })).status,
    ).toBe(200);
    expect(await Promise.all(ends)).toHaveLength(2);
    // What fits into the buffers of both ends.
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });
});

test.each([
  ['8.8.8.8', true],
  ['172.15.255.255', true],
  ['172.16.0.0', false],
  ['172.31.255.255', false],
  ['172.32.0.0', true],
  ['100.64.0.1', false],
  ['192.168.1.1', false],
  ['198.19.0.1', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', true],
  ['2001:db8::1', false],
  ['2001:0:53aa:64c::1', false],
  ['2002:7f00:1::', false],
  ['64:ff9b::8.8.8.8', false],
  ['::ffff:8.8.8.8', false],
  ['fe80::1', false],
  ['fe80::1%lo', false],
  ['fc00::1', false],
  ['ff02::1', false],
  ['::', false],
  ['nonsense', false],
])('%s is public: %s', (address, expected) => {
  expect(isPublicAddress(address)).toBe(expected);
});
