import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { configurationFile, readConfiguration, readMaterial } from './workspace.js';

export interface Start {
  /** From spawning the process to the first whole answer of discovery. */
  readonly milliseconds: number;
  /** Resident memory a while after that, without requests. */
  readonly residentBytes: number;
}

const restMilliseconds = 3000;
const patienceMilliseconds = 30_000;

/** Starts `serve`, as an operator would, on the store of a workspace, and ends it again. */
export async function measureStart(workspace: string): Promise<Start> {
  const { publicUrl } = await readConfiguration(workspace);
  const { certificateAuthority } = await readMaterial(workspace);
  const agent = new Agent({ connect: { ca: await readFile(certificateAuthority, 'utf8') } });
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const start = performance.now();
  const child = spawn(process.execPath, [main, '--config', configurationFile(workspace)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  try {
    const discovery = `${publicUrl}/oidc/.well-known/openid-configuration`;
    while (!(await isAnswered(discovery, agent))) {
      if (child.exitCode !== null) throw new Error('serve ended instead of starting');
      if (performance.now() - start > patienceMilliseconds) {
        throw new Error('serve was not ready in time');
      }
      await sleep(2);
    }
    const milliseconds = performance.now() - start;
    await sleep(restMilliseconds);
    return { milliseconds, residentBytes: await readResidentBytes(child.pid ?? 0) };
  } finally {
    await agent.close();
    child.kill('SIGTERM');
    await exited;
  }
}

async function isAnswered(url: string, dispatcher: Agent): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { dispatcher });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}

async function readResidentBytes(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) * 1024;
}
