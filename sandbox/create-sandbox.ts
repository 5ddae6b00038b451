import { join, resolve } from 'node:path';
import type { Configuration } from '../config/schema.js';
import type { Clock } from '../core/clock.js';
import { type Assent, createAssent } from '../create-assent.js';
import { createDemoLedger } from './bank/create-demo-ledger.js';
import { demoPeople } from './bank/demo-people.js';
import { openCertificateAuthority } from './certificate-authority.js';
import { createConfigurations } from './create-configurations.js';
import { startLegacyBank } from './legacy-bank/start-legacy-bank.js';
import { openMovableClock } from './movable-clock.js';
import { startPhone } from './phone/start-phone.js';
import { type SandboxPorts, type SandboxUrls, urlsFrom } from './ports.js';
import { openSandboxClients } from './sandbox-clients.js';
import { homeInstitutionId } from './sandbox-institutions.js';
import { startFaultyBanks } from './start-faulty-banks.js';
import { startTpp } from './tpp/start-tpp.js';
import type { TppDocument } from './tpp-document.js';
import { writePrivateFile } from './write-private-file.js';

export interface SandboxOptions {
  /** Where everything is kept from one start to the next. */
  readonly directory: string;
  readonly ports: SandboxPorts;
  /** What the sandbox's movable time runs ahead of; the real time where absent. */
  readonly clock?: Clock | undefined;
  readonly log?: Configuration['log'] | undefined;
  /** Addresses of a developer's own that every client is told of every event at; none by default. */
  readonly webhooks?: readonly URL[] | undefined;
}

/** A whole sandbox, prepared and not yet listening. */
export interface Sandbox {
  /** What `tpp.json` in the directory says. */
  readonly tpp: TppDocument;
  readonly urls: SandboxUrls;
  /** Starts the banks, Assent and the TPP application. @throws the system's error, e.g. `EADDRINUSE`. */
  start(): Promise<void>;
  /** Finishes requests in flight (bounded), then ends everything that was started. */
  stop(): Promise<void>;
}

interface Part {
  stop(): Promise<void>;
}

/**
 * Prepares the simulated bank, Assent and the TPP application: keys, certificates and secrets are made
 * on the first start and used again at the next.
 */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { ports, log = 'warn', webhooks = [] } = options;
  const directory = resolve(options.directory);
  const clock = await openMovableClock(join(directory, 'time.json'), options.clock);
  const urls = urlsFrom(ports);
  const authority = await openCertificateAuthority(join(directory, 'certificates'), clock);
  const server = await authority.server('server');
  const clients = await openSandboxClients({
    directory: join(directory, 'keys'),
    authority,
    tppUrl: urls.tpp,
    webhooks,
  });
  const configurations = await createConfigurations({
    directory,
    authority,
    server,
    ports,
    urls,
    clients: clients.registrations,
    webhooks,
    log,
  });
  const issuer = `${urls.assent}/oidc`;
  const tpp: TppDocument = {
    issuer,
    discovery: `${issuer}/.well-known/openid-configuration`,
    api: urls.assentMtls,
    ca: authority.certificate,
    clients: clients.tpp,
    people: demoPeople.map((person) => ({ institution: homeInstitutionId, ...person })),
    institutions: configurations.assent.institutions.map(({ id, name, kind }) => ({
      id,
      name,
      kind,
    })),
  };
  await writePrivateFile(join(directory, 'tpp.json'), `${JSON.stringify(tpp, null, 2)}\n`);

  const running: Part[] = [];
  /** Nearest to the person first, so that what is under way can still reach what it needs. */
  async function stop(): Promise<void> {
    for (const part of running.splice(0).reverse()) await part.stop();
  }

  async function startAssent(configuration: Configuration): Promise<Assent> {
    const ledger = createDemoLedger({ clock });
    const assent = await createAssent({
      configuration,
      clock,
      ledger,
      simulatedInstitutions: true,
    });
    running.push(assent);
    await assent.start();
    return assent;
  }

  return {
    tpp,
    urls,
    async start() {
      try {
        running.push(await startFaultyBanks(ports, server));
        running.push(
          await startLegacyBank({
            url: urls.legacyBank,
            port: ports.legacyBank,
            server,
            ledger: createDemoLedger({ clock }),
            clock,
          }),
        );
        const { storage } = await startAssent(configurations.bank);
        const phone = { url: urls.phone, port: ports.phone, bank: urls.bank };
        running.push(await startPhone({ ...phone, server, ca: authority.certificate, storage }));
        await startAssent(configurations.assent);
        running.push(await startTpp({ tpp, urls, port: ports.tpp, server, clock }));
      } catch (error) {
        await stop();
        throw error;
      }
    },
    stop,
  };
}
