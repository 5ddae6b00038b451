import { join, resolve } from 'node:path';
import type { Configuration, ConfigurationInput } from '../../config/schema.js';
import { configurationSchema } from '../../config/schema.js';
import type { BankLedger } from '../../core/bank-ledger.js';
import { systemClock } from '../../core/clock.js';
import type { SecondFactor } from '../../core/second-factor.js';
import { createAssent } from '../../create-assent.js';
import { createDemoLedger } from '../bank/create-demo-ledger.js';
import { demoCustomers } from '../bank/demo-people.js';
import { openCertificateAuthority } from '../certificate-authority.js';
import { startPhone } from '../phone/start-phone.js';
import { writePrivateFile } from '../write-private-file.js';
import { openPlanIdentities } from './plan-identities.js';
import { plannedRuns } from './plan-variants.js';
import { type ConformanceUrls, type PreparedRun, prepareRun } from './prepare-runs.js';
import { readSuiteCertificate } from './read-suite-certificate.js';
import { writeScript } from './write-script.js';

export interface ConformanceOptions {
  /** Where everything is kept from one start to the next. */
  readonly directory: string;
  /** The first of five ports. */
  readonly portBase: number;
  /** The name of this machine that the suite knows; `localhost` by itself does for a suite beside it. */
  readonly host: string;
  /** The address to listen on. */
  readonly listen: string;
  /** Where the suite is, with a trailing slash. */
  readonly suite: URL;
  readonly log?: Configuration['log'] | undefined;
}

/** Two banks for the suite, prepared and not yet listening. */
export interface Conformance {
  readonly runs: readonly PreparedRun[];
  readonly urls: ConformanceUrls;
  /** Paths of what was written. */
  readonly files: { readonly plans: string; readonly script: string; readonly banks: string };
  /** Whether the suite answered, and whether its certificate names its host, which the banks check. */
  readonly suite: 'trusted' | 'misnamed' | 'absent';
  /** @throws the system's error, e.g. `EADDRINUSE`. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What the demo phones of these banks always show: the suite's browser cannot read a page. */
const code = '135790';

/** Those phones. What a code is for stands in its message, as the page says. */
export const phones: SecondFactor = {
  async send(customerId, purpose) {
    const customer = demoCustomers.find(({ id }) => id === customerId);
    if (customer?.phone === undefined) return undefined;
    return {
      reference: customerId,
      device: `your phone ending in ${customer.phone.slice(-3)}`,
      simulatedMessage: `Northbank: ${code} is your code. ${purpose}`,
    };
  },
  verify: async (_reference, entered) => entered === code,
};

/**
 * Prepares a bank with clients for each FAPI and CIBA plan, another that signs people in (its discovery
 * has to offer what FAPI forbids), and a configuration for each plan and variant of the OpenID
 * Foundation's suite. See docs/conformance.md.
 * @throws RangeError where the suite has a name that its clients may not have.
 */
export async function createConformance(options: ConformanceOptions): Promise<Conformance> {
  const { portBase, host, listen, suite, log = 'warn' } = options;
  // OpenID Connect Dynamic Client Registration 1.0 §2, application_type: said once, not by each client.
  if (suite.hostname === 'localhost') {
    throw new RangeError(
      'the suite cannot be at localhost, which clients may not be that get ID tokens in the front channel. Give --suite another name of it, such as localhost.emobix.co.uk.',
    );
  }
  const directory = resolve(options.directory);
  const at = (offset: number) => `https://${host}:${portBase + offset}`;
  const urls = { bank: at(0), bankMtls: at(1), signOn: at(2), signOnMtls: at(3), phone: at(4) };
  const authority = await openCertificateAuthority(join(directory, 'certificates'), systemClock);
  const server = await authority.server('server', [host]);
  // For the suite's own server, where what it has does not name it.
  await authority.server('suite', [suite.hostname]);
  const identities = await openPlanIdentities(join(directory, 'keys'), authority);
  const [person] = demoCustomers;
  if (!person) throw new TypeError('the demo bank has no customer');
  const runs = plannedRuns.map((run) =>
    prepareRun(run, { urls, suite: suite.href, identities, person, code }),
  );

  const shown = await readSuiteCertificate(suite);
  const shownFile = join(directory, 'certificates', 'suite-shown.pem');
  if (shown) await writePrivateFile(shownFile, shown.pem);

  const clientsOf = (isWanted: (run: PreparedRun['run']) => boolean) =>
    runs.filter(({ run }) => isWanted(run)).flatMap(({ clients }) => [...clients]);
  const common = (name: string, ports: { browser: number; mtls: number }) => ({
    role: 'bank' as const,
    log,
    listen: {
      browser: { host: listen, port: portBase + ports.browser },
      mtls: { host: listen, port: portBase + ports.mtls },
    },
    tls: { ...server, clientCertificateAuthorities: [authority.certificate] },
    storage: {
      url: `sqlite:${join(directory, `${name}.db`)}`,
      masterKey: { file: join(directory, `${name}.master.key`) },
    },
    // A request of the suite's that is left without an answer is waited for.
    outgoing: {
      allow: [suite.host],
      certificateAuthorities: [authority.certificate, ...(shown ? [shownFile] : [])],
    },
  });
  const banks: Readonly<Record<'bank' | 'sign-on', ConfigurationInput>> = {
    bank: {
      ...common('bank', { browser: 0, mtls: 1 }),
      publicUrl: urls.bank,
      mtlsUrl: urls.bankMtls,
      profiles: ['fapi2-security', 'fapi2-message-signing', 'fapi1-advanced', 'fapi-ciba'],
      ecosystems: ['connectid-au', 'consumer-data-right-au'],
      clients: clientsOf(({ kind }) => kind !== 'openid'),
    },
    'sign-on': {
      ...common('sign-on', { browser: 2, mtls: 3 }),
      publicUrl: urls.signOn,
      mtlsUrl: urls.signOnMtls,
      profiles: ['openid-connect'],
      // The plans ask for RS256; a key makes way as often as the one that rotates them is run.
      signing: { algorithms: ['RS256', 'PS256', 'ES256'], publishBefore: 60 },
      features: { registration: true, backchannelAuthentication: false, grantManagement: false },
      registration: { anyone: { profiles: ['openid-connect'] }, attempts: 100_000 },
      clients: clientsOf(({ kind }) => kind === 'openid'),
    },
  };
  const files = {
    plans: join(directory, 'plans'),
    script: join(directory, 'run.sh'),
    banks: join(directory, 'banks'),
  };
  for (const [name, configuration] of Object.entries(banks)) {
    await writePrivateFile(join(files.banks, `${name}.json`), toJson(configuration));
  }
  for (const { run, document } of runs) {
    await writePrivateFile(join(files.plans, `${run.slug}.json`), toJson(document));
  }
  await writeScript(files.script, suite, runs);

  const running: { stop(): Promise<void> }[] = [];
  async function stop(): Promise<void> {
    for (const part of running.splice(0).reverse()) await part.stop();
  }

  async function startBank(configuration: ConfigurationInput) {
    const ledger: BankLedger = {
      ...createDemoLedger({ clock: systemClock }),
      secondFactor: phones,
    };
    const assent = await createAssent({
      configuration: configurationSchema.parse(configuration),
      ledger,
    });
    running.push(assent);
    await assent.start();
    return assent;
  }

  return {
    runs,
    urls,
    files,
    suite: shown ? (shown.isNamed ? 'trusted' : 'misnamed') : 'absent',
    async start() {
      try {
        const { storage } = await startBank(banks.bank);
        await startBank(banks['sign-on']);
        const phone = { url: urls.phone, port: portBase + 4, bank: urls.bank, listen };
        running.push(await startPhone({ ...phone, server, ca: authority.certificate, storage }));
      } catch (error) {
        await stop();
        throw error;
      }
    },
    stop,
  };
}

const toJson = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
