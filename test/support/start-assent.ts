import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, type RequestInit, type Response, fetch as undiciFetch } from 'undici';
import { type ConfigurationInput, configurationSchema } from '../../config/schema.js';
import { systemClock } from '../../core/clock.js';
import { type AssentOptions, createAssent } from '../../create-assent.js';
import {
  type CertificateFiles,
  openCertificateAuthority,
} from '../../sandbox/certificate-authority.js';
import { freePort } from './free-port.js';

export { freePort } from './free-port.js';

type Settings = Omit<ConfigurationInput, 'publicUrl' | 'mtlsUrl' | 'tls' | 'listen'>;

/** A real Assent over TLS on loopback, with a store of its own. */
export async function startAssent(
  settings: Settings,
  options: Omit<AssentOptions, 'configuration'> = {},
) {
  const directory = await mkdtemp(join(tmpdir(), 'assent-test-'));
  const authority = await openCertificateAuthority(directory, systemClock);
  const server = await authority.server('server');
  const [browser, mtls] = [await freePort(), await freePort()];
  const configuration = configurationSchema.parse({
    log: 'silent',
    storage: {
      url: `sqlite:${join(directory, 'assent.db')}`,
      masterKey: { file: join(directory, 'master.key') },
    },
    ...settings,
    publicUrl: `https://localhost:${browser}`,
    mtlsUrl: `https://localhost:${mtls}`,
    listen: { browser: { port: browser }, mtls: { port: mtls } },
    tls: { ...server, clientCertificateAuthorities: [authority.certificate] },
  });
  const assent = await createAssent({ configuration, ...options });
  await assent.start();
  const agents: Agent[] = [];
  const ca = await readFile(authority.certificate, 'utf8');

  /** A `fetch` that trusts this server, does not follow redirects, and may show a certificate. */
  function fetcher(client?: CertificateFiles) {
    const shown = client && {
      cert: readFileSync(client.certificate, 'utf8'),
      key: readFileSync(client.key, 'utf8'),
    };
    const agent = new Agent({ connect: { ca, ...shown } });
    agents.push(agent);
    return (url: string, init: RequestInit = {}): Promise<Response> =>
      undiciFetch(new URL(url, configuration.publicUrl), {
        redirect: 'manual',
        dispatcher: agent,
        ...init,
      });
  }

  return {
    ...assent,
    clock: options.clock ?? systemClock,
    configuration,
    authority,
    directory,
    issuer: `${configuration.publicUrl}/oidc`,
    fetch: fetcher(),
    fetcher,
    async stop() {
      await Promise.all(agents.map((agent) => agent.destroy()));
      await assent.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export type RunningAssent = Awaited<ReturnType<typeof startAssent>>;
