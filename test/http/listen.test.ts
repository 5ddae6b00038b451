import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type SecureVersion } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { type Listener, listen } from '../../http/listen.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';

let folder: string;
let listener: Listener;
let forClients: Listener;
let materials: readonly { certificate: string; key: string }[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assent-listen-'));
  const authority = await openCertificateAuthority(folder, systemClock);
  materials = await Promise.all(
    ['one', 'other'].map(async (name) => {
      const files = await authority.server(name);
      const [certificate, key] = await Promise.all([
        readFile(files.certificate, 'utf8'),
        readFile(files.key, 'utf8'),
      ]);
      return { certificate, key };
    }),
  );
  const [one = { certificate: '', key: '' }] = materials;
  listener = await listen({ host: '127.0.0.1', port: 0, ...one }, (_request, response) =>
    response.end(),
  );
  const clientAuthorities = [authority.certificate];
  const options = { host: '127.0.0.1', port: 0, ...one, clientAuthorities };
  forClients = await listen(options, (_request, response) => response.end());
});
afterAll(async () => {
  await listener?.close(0);
  await forClients?.close(0);
  await rm(folder, { recursive: true, force: true });
});

/** Asks once, and says whether an earlier session went on. */
function ask(session?: Buffer, { port }: Listener = listener, maxVersion?: SecureVersion) {
  return new Promise<{ isResumed: boolean; session: Buffer | undefined }>((resolve, reject) => {
    const socket = connect({
      ...{ host: '127.0.0.1', port, rejectUnauthorized: false },
      ...(maxVersion && { maxVersion }),
      ...(session && { session }),
    });
    let latest: Buffer | undefined;
    socket.on('session', (next) => {
      latest = next;
    });
    socket.on('error', reject);
    let isResumed = false;
    socket.on('secureConnect', () => {
      isResumed = socket.isSessionReused();
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    });
    socket.resume();
    socket.on('close', () => resolve({ isResumed, session: latest }));
  });
}

test('TLS sessions go on while the files are the same, and end when they change', async () => {
  const [one, other] = materials;
  if (!one || !other) throw new TypeError('no material');
  const first = await ask();
  expect(first).toMatchObject({ isResumed: false, session: expect.any(Buffer) });
  expect((await ask(first.session)).isResumed).toBe(true);
  listener.renew({ ...one });
  expect((await ask(first.session)).isResumed).toBe(true);
  listener.renew({ ...other });
  expect((await ask(first.session)).isResumed).toBe(false);
});

test.each<SecureVersion>(['TLSv1.2', 'TLSv1.3'])(
  'SEC-32: where clients show certificates each connection looks at them anew, with %s',
  async (version) => {
    const { session } = await ask(undefined, forClients, version);
    expect((await ask(session, forClients, version)).isResumed).toBe(false);
    const other = await ask(undefined, listener, version);
    expect((await ask(other.session, listener, version)).isResumed).toBe(true);
  },
);
