import { type ChildProcess, fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, buildConnector, fetch as undiciFetch } from 'undici';
import { z } from 'zod';
import { createSandbox } from '../../../sandbox/create-sandbox.js';
import type { SandboxPorts } from '../../../sandbox/ports.js';
import { freePorts } from '../../support/free-ports.js';
import { freePort } from '../../support/start-assent.js';
import { revivalDays } from './plan.js';

/** What `serve.mjs` is told. */
interface ServeOptions {
  readonly directory: string;
  readonly ports: SandboxPorts;
  readonly role: 'bank' | 'assent';
  /** Where it listens, if elsewhere than its own URLs say. */
  readonly listen?: { readonly browser: number; readonly mtls: number };
  readonly webhooks: readonly object[];
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly revivalSeconds: number;
}

interface WorldOptions {
  readonly directory: string;
  readonly start: number;
  readonly webhooks: readonly object[];
}

const answerSchema = z.object({
  id: z.number(),
  value: z.unknown().optional(),
  error: z.string().optional(),
});
const jobsSchema = z.object({
  busy: z.number(),
  next: z.number().optional(),
  kinds: z.array(z.string()),
});

/** For this long what a moment set off is followed (milliseconds): retries, turns, second parts. */
const aftermath = 10 * 60_000;
/** In real time: what takes longer hangs (milliseconds). */
const patience = 60_000;

/**
 * The simulated bank and two Assents on one store, each in a process of its own, under a clock that
 * stands still until it is moved. Requests go to the two in turns.
 */
export async function startWorld({ directory, start, webhooks }: WorldOptions) {
  const ports = await freePorts();
  const second = { browser: await freePort(), mtls: await freePort() };
  const clock = { now: () => start };
  const { tpp, urls } = await createSandbox({ directory, ports, clock, log: 'silent' });
  const revivalSeconds = revivalDays * 86_400;
  const common = { directory, ports, webhooks, start, revivalSeconds };
  const bank = await startProcess({ ...common, role: 'bank' });
  const assent = await startProcess({ ...common, role: 'assent' });
  const other = await startProcess({ ...common, role: 'assent', listen: second });
  const processes = [bank, assent, other];

  const ca = await readFile(tpp.ca, 'utf8');
  const connector = buildConnector({ ca });
  const agents = [
    new Agent({ connect: { ca } }),
    new Agent({
      connect: (options, callback) => {
        const isAssent = options.port === String(ports.assent);
        connector({ ...options, ...(isAssent && { port: String(second.browser) }) }, callback);
      },
    }),
  ] as const;
  let requests = 0;
  let now = start;

  async function moveTo(time: number): Promise<void> {
    now = time;
    for (const { call } of processes) await call('move', time);
  }

  /** Waits until nothing is due. @returns when the next job is. */
  async function work(): Promise<number | undefined> {
    for (const began = performance.now(); performance.now() - began < patience; ) {
      const { busy, next, kinds } = jobsSchema.parse(await assent.call('jobs'));
      if (busy === 0) return next;
      if (performance.now() - began > patience - 100) throw new Error(kinds.join('\n'));
      await wait(2);
    }
    throw new Error('the jobs do not end');
  }

  return {
    tpp,
    urls,
    now: () => now,
    moveTo,
    work,
    /** Follows what this moment set off. @returns when something is due after that. */
    async settle(): Promise<number | undefined> {
      const moment = now;
      while (true) {
        const next = await work();
        if (next === undefined || next > moment + aftermath) return next;
        await moveTo(next);
      }
    },
    fetch(url: string, init: object = {}) {
      requests += 1;
      const dispatcher = agents[requests % 2 === 0 ? 0 : 1];
      return undiciFetch(url, { redirect: 'manual', ...init, dispatcher });
    },
    async withdrawAtBank(connectionId: string): Promise<void> {
      const intentId = await assent.call('intentOf', connectionId);
      if (!(await bank.call('withdraw', intentId))) throw new Error(`no intent ${intentId}`);
    },
    /** How many webhooks each of the two delivered. */
    deliveries: () => Promise.all([assent, other].map(({ call }) => call('deliveries'))),
    async stop() {
      await Promise.all(agents.map((agent) => agent.destroy()));
      await Promise.all(processes.map(({ call }) => call('stop')));
    },
    kill() {
      for (const { child } of processes) child.kill('SIGKILL');
    },
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;

async function startProcess(options: ServeOptions) {
  const child: ChildProcess = fork(
    join(import.meta.dirname, 'serve.mjs'),
    [JSON.stringify(options)],
    {
      env: { ...process.env, NODE_OPTIONS: '' },
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    },
  );
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;

  function expectAnswer(id: number): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    return answer.promise;
  }
  child.on('message', (message) => {
    const { id, value, error } = answerSchema.parse(message);
    const answer = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) answer?.resolve(value);
    else answer?.reject(new Error(error));
  });
  child.on('exit', (code) => {
    for (const answer of waiting.values()) answer.reject(new Error(`a process ended with ${code}`));
  });
  await expectAnswer(0);

  return {
    child,
    call(call: string, ...args: readonly unknown[]): Promise<unknown> {
      last += 1;
      const answer = expectAnswer(last);
      child.send({ id: last, call, args });
      return answer;
    },
  };
}
