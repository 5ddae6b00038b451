import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, buildConnector, type RequestInit, fetch as undiciFetch } from 'undici';
import { freePort } from '../../support/free-port.js';
import type { RunningAssent } from '../../support/start-assent.js';

/** An Assent in a process of its own, on the store and under the addresses of another. */
export async function forkBeside({ configuration, authority }: RunningAssent) {
  const [browser, mtls] = [await freePort(), await freePort()];
  const { host } = configuration.listen.browser;
  const child = fork(join(import.meta.dirname, '../../security/support/serve-beside.mjs'), {
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  child.send({
    ...configuration,
    listen: { browser: { host, port: browser }, mtls: { host, port: mtls } },
  });
  await once(child, 'message');
  const connect = buildConnector({ ca: await readFile(authority.certificate, 'utf8') });
  const agent = new Agent({
    connect: (target, callback) => connect({ ...target, port: String(browser) }, callback),
  });
  const exited = once(child, 'exit');

  return {
    fetch: (url: string, init: RequestInit = {}) =>
      undiciFetch(new URL(url, configuration.publicUrl), {
        redirect: 'manual',
        dispatcher: agent,
        ...init,
      }),
    async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') {
      child.kill(signal);
      await exited;
      await agent.destroy();
    },
  };
}
