import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';

// Below the range that the system gives away by itself, and another for each run.
const base = 10_000 + (process.pid % 100) * 100;

let directory: string;
const started: ChildProcessWithoutNullStreams[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-process-'));
});
// What one test leaves is in the way of no other.
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** `npm start` without the build, which `npm test` has made. */
function start(...args: string[]) {
  const child = spawn(process.execPath, ['dist/sandbox/main.js', '--data', directory, ...args]);
  started.push(child);
  const printed = { out: '', err: '' };
  child.stdout.on('data', (part) => {
    printed.out += part;
  });
  child.stderr.on('data', (part) => {
    printed.err += part;
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));

  async function ready(): Promise<void> {
    while (!printed.out.includes('Ctrl-C')) {
      if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${printed.err}`);
      await delay(20);
    }
  }
  return { child, printed, ended, ready };
}

/** `npm run time`, likewise. */
async function moveTime(...args: string[]) {
  const options = ['--data', directory, '--port-base', String(base)];
  const child = spawn(process.execPath, ['dist/sandbox/move-time.js', ...options, ...args]);
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on('exit', resolve)),
  ]);
  return { out, err, code };
}

/** Sends a request up to the middle of its body, and the rest when asked. */
async function beginRequest() {
  const ca = await readFile(join(directory, 'certificates', 'ca.pem'));
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': 10,
    // Answered when the request is taken up.
    expect: '100-continue',
  };
  const sent = request({
    host: 'localhost',
    port: base + 20,
    method: 'POST',
    path: '/start',
    ca,
    headers,
    agent: false,
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve);
    sent.on('error', reject);
  });
  // A process that ends at once hangs up on it.
  answer.catch(() => undefined);
  sent.flushHeaders();
  await once(sent, 'continue');
  await new Promise<void>((resolve) => sent.write('csrf=', () => resolve()));
  return {
    async finish() {
      sent.end('wrong');
      return (await answer).statusCode;
    },
  };
}

describe('npm start', () => {
  it('says where to click and as whom, and ends cleanly', async () => {
    const sandbox = start('--port-base', String(base));
    await sandbox.ready();

    expect(sandbox.printed.out).toContain(`https://localhost:${base + 20}`);
    for (const page of [`${base + 20}/events`, `${base + 20}/time`, `${base + 10}/access`]) {
      expect(sandbox.printed.out).toContain(page);
    }
    expect(sandbox.printed.out).toMatch(/amelia +harbour-lantern-42 +Three accounts/);
    const inFlight = await beginRequest();
    sandbox.child.kill('SIGINT');
    await delay(300);
    expect(sandbox.child.exitCode).toBeNull();
    expect(await inFlight.finish()).toBe(403);
    expect(await sandbox.ended).toBe(0);
    expect(sandbox.printed.err).toBe('');
  });

  it('goes by a time that npm run time moves, and goes on from there at the next start', async () => {
    const day = 86_400_000;
    const sandbox = start('--port-base', String(base));
    await sandbox.ready();
    const moved = await moveTime('+90d');
    expect(moved).toEqual({
      out: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z\n$/),
      err: '',
      code: 0,
    });
    expect(Math.abs(Date.parse(moved.out.trim()) - Date.now() - 90 * day)).toBeLessThan(60_000);
    const back = {
      out: '',
      err: 'The time could not be moved: Time moves forwards only.\n',
      code: 1,
    };
    expect(await moveTime('2026-01-01')).toEqual(back);
    expect(await moveTime('-1d')).toEqual(back);
    expect((await moveTime('19/02/2028')).err).toContain('year-month-day, e.g. 2028-02-19');
    sandbox.child.kill('SIGINT');
    await sandbox.ended;

    const again = start('--port-base', String(base));
    await again.ready();
    const { out } = await moveTime();
    expect(Date.parse(out.trim())).toBeGreaterThanOrEqual(Date.parse(moved.out.trim()));
    again.child.kill('SIGINT');
    await again.ended;
    expect(await moveTime('+1d')).toEqual({
      out: '',
      err: expect.stringMatching(
        new RegExp(
          `^The time .* https://localhost:${base + 20} \\(ECONNREFUSED\\).*--port-base.*\n$`,
        ),
      ),
      code: 1,
    });
  });

  it('ends at once on the second Ctrl-C', async () => {
    const sandbox = start('--port-base', String(base));
    await sandbox.ready();
    await beginRequest();
    sandbox.child.kill('SIGINT');
    // A second signal before the first was seen would be the same one.
    await eventually(async () => {
      const socket = connect(base + 20, '127.0.0.1');
      const connected = once(socket, 'connect').finally(() => socket.destroy());
      await expect(connected).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });
    sandbox.child.kill('SIGINT');

    // The first would have ended it with 0.
    expect(await sandbox.ended).toBe(130);
  });

  it('has its directory for itself, until it ends in whatever way', async () => {
    const first = start('--port-base', String(base));
    await first.ready();
    const document = join(directory, 'tpp.json');
    const before = await readFile(document, 'utf8');

    const second = start('--port-base', String(base + 50));
    expect(await second.ended).toBe(1);
    expect(second.printed).toEqual({
      out: '',
      err: `The sandbox could not start: ${directory} is in use by another sandbox (process ${first.child.pid}): stop it, or keep the data of this one elsewhere with npm start -- --data DIRECTORY\n`,
    });
    expect(await readFile(document, 'utf8')).toBe(before);

    first.child.kill('SIGKILL');
    await first.ended;
    const third = start('--port-base', String(base + 50));
    await third.ready();
    third.child.kill('SIGINT');
    expect(await third.ended).toBe(0);
  });

  it('says in one sentence that a port is in use', async () => {
    const other = createServer().listen(base + 20, '127.0.0.1');
    const sandbox = start('--port-base', String(base));

    expect(await sandbox.ended).toBe(1);
    expect(sandbox.printed.err).toBe(
      `Port ${base + 20} is in use: stop what listens there, or choose others with npm start -- --port-base PORT\n`,
    );
    await new Promise((resolve) => other.close(resolve));
  });

  it('explains its options', async () => {
    const sandbox = start('--port-base', 'many');

    expect(await sandbox.ended).toBe(2);
    expect(sandbox.printed.out).toContain('--port-base PORT');
  });
});
