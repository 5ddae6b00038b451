import { readFile } from 'node:fs/promises';
import {
  Agent,
  buildConnector,
  type RequestInit,
  type Response,
  fetch as undiciFetch,
} from 'undici';
import { type AssentOptions, createAssent } from '../../create-assent.js';
import { freePort } from './free-port.js';
import type { RunningAssent } from './start-assent.js';

/** What tests need of a running Assent, whichever of several it is. */
export type Beside = Pick<
  RunningAssent,
  'provider' | 'storage' | 'keys' | 'encryptionKeys' | 'configuration' | 'issuer' | 'fetch' | 'stop'
>;

/**
 * A second Assent on the store of the first and under the same addresses, as behind a load balancer; its
 * `fetch` reaches it and not the first.
 */
export async function startBeside(
  first: RunningAssent,
  options: Omit<AssentOptions, 'configuration'> = {},
  settings: Partial<RunningAssent['configuration']> = {},
): Promise<Beside> {
  const [browser, mtls] = [await freePort(), await freePort()];
  const { host } = first.configuration.listen.browser;
  const configuration = {
    ...first.configuration,
    ...settings,
    listen: { browser: { host, port: browser }, mtls: { host, port: mtls } },
  };
  const assent = await createAssent({ configuration, ...options });
  await assent.start();
  const ca = await readFile(first.authority.certificate, 'utf8');
  const connect = buildConnector({ ca });
  const agent = new Agent({
    connect: (target, callback) => connect({ ...target, port: String(browser) }, callback),
  });
  return {
    ...assent,
    configuration,
    issuer: first.issuer,
    fetch: (url: string, init: RequestInit = {}): Promise<Response> =>
      undiciFetch(new URL(url, configuration.publicUrl), {
        redirect: 'manual',
        dispatcher: agent,
        ...init,
      }),
    async stop() {
      await agent.destroy();
      await assent.stop();
    },
  };
}
