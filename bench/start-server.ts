import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type BenchServer,
  place,
  type Question,
  reply,
  seeds,
  type Usage,
  usage,
} from './server-protocol.js';

/** A server as the bench sees it. */
export interface ServerProcess extends BenchServer {
  usage(): Promise<Usage>;
}

/**
 * Starts a server in a process of its own and waits until it is up.
 * @param workspace the directory made by `createWorkspace`.
 * @param nodeOptions options of Node itself, such as `--cpu-prof`.
 */
export async function startServer(
  name: 'assent' | 'bare',
  workspace: string,
  nodeOptions: readonly string[] = [],
): Promise<ServerProcess> {
  const self = fileURLToPath(import.meta.url);
  const entry = new URL(`./serve-${name}${extname(self)}`, import.meta.url);
  const child = fork(fileURLToPath(entry), [workspace], { execArgv: [...nodeOptions] });
  const where = place.parse(await nextAnswer(child));

  async function ask(asked: Question): Promise<unknown> {
    child.send(asked);
    return nextAnswer(child);
  }

  return {
    place: where,
    seed: async (kind, count) => seeds.parse(await ask({ ask: 'seed', kind, count })),
    async fill(stock) {
      await ask({ ask: 'fill', stock });
    },
    usage: async () => usage.parse(await ask({ ask: 'usage' })),
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await ask({ ask: 'stop' });
      await ended;
    },
  };
}

async function nextAnswer(child: ChildProcess): Promise<unknown> {
  const message = await new Promise((resolve, reject) => {
    const ended = () => reject(new Error('The server under load ended'));
    child.once('exit', ended);
    child.once('message', (received) => {
      child.off('exit', ended);
      resolve(received);
    });
  });
  const { answer, failure } = reply.parse(message);
  if (failure !== undefined) throw new Error(`The server under load failed: ${failure}`);
  return answer;
}
