import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, fetch } from 'undici';
import { systemClock } from '../../core/clock.js';
import { openCertificateAuthority } from '../../sandbox/certificate-authority.js';
import { freePort } from '../support/start-assent.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
const redirectUri = 'https://tpp.example/callback';
const total = 200;

let directory: string;
let agent: Agent;
let configuration: { publicUrl: string };
const children: ChildProcess[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-crash-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  const tls = await authority.server('server');
  const [browser, mtls] = [await freePort(), await freePort()];
  agent = new Agent({ connect: { ca: await readFile(authority.certificate, 'utf8') } });
  const settings = {
    log: 'silent',
    publicUrl: `https://localhost:${browser}`,
    mtlsUrl: `https://localhost:${mtls}`,
    listen: { browser: { port: browser }, mtls: { port: mtls } },
    tls,
    storage: {
      url: `sqlite:${join(directory, 'assent.db')}`,
      masterKey: { file: join(directory, 'master.key') },
    },
    clients: [
      {
        client_id: 'tpp',
        client_secret: secret,
        profile: 'identity-service',
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code', 'client_credentials'],
        redirect_uris: [redirectUri],
      },
    ],
  };
  configuration = settings;
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await agent.destroy();
  await rm(directory, { recursive: true, force: true });
});

async function startServer(codes: number): Promise<{ child: ChildProcess; codes: string[] }> {
  const script = join(import.meta.dirname, 'serve-with-codes.mjs');
  const child = spawn(process.execPath, [script, JSON.stringify(configuration), String(codes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  children.push(child);
  if (!child.stdout) throw new TypeError('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, codes: JSON.parse(line) };
  }
  throw new Error('the server ended before it listened');
}

async function post(path: string, form: Record<string, string>) {
  const response = await fetch(`${configuration.publicUrl}${path}`, {
    method: 'POST',
    dispatcher: agent,
    headers: { authorization: `Basic ${Buffer.from(`tpp:${secret}`).toString('base64')}` },
    body: new URLSearchParams(form),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

function redeem(code: string) {
  return post('/oidc/token', { grant_type: 'authorization_code', code, redirect_uri: redirectUri });
}

describe('kill -9 in the middle of 200 code redemptions (SEC-64)', () => {
  test('loses none that was acknowledged and redeems none twice', async () => {
    const first = await startServer(total);
    const acknowledged = new Map<string, string>();
    const waiting = first.codes.values();
    // A few at a time, so that the kill meets requests in every state and leaves codes unused.
    const attempts = Array.from({ length: 20 }, async () => {
      for (const code of waiting) {
        const { status, body } = await redeem(code);
        if (status === 200) acknowledged.set(code, String(body.access_token));
        if (acknowledged.size === total / 4) first.child.kill('SIGKILL');
      }
    });
    await Promise.allSettled(attempts);
    expect(acknowledged.size).toBeGreaterThanOrEqual(total / 4);
    expect(acknowledged.size).toBeLessThan(total);

    await startServer(0);
    for (const token of acknowledged.values()) {
      const { body } = await post('/oidc/token/introspection', { token });
      expect(body.active).toBe(true);
    }
    // Each that was not acknowledged works once now, or was durable when its answer was lost.
    const untouched = first.codes.filter((code) => !acknowledged.has(code));
    const retried = await Promise.all(untouched.map(redeem));
    expect(retried.every(({ status }) => status === 200 || status === 400)).toBe(true);
    expect(retried.some(({ status }) => status === 200)).toBe(true);
    // And nothing works a second time.
    const again = await Promise.all(first.codes.map(redeem));
    expect(again.map(({ status }) => status)).toEqual(first.codes.map(() => 400));
  });

  test('one code redeemed 50 times at once gives tokens once (SEC-04)', async () => {
    for (const child of children) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    const { codes } = await startServer(1);
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(codes[0] ?? '')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of answers) {
      if (status !== 200) expect(body.error).toBe('invalid_grant');
    }
  });
});
