import Router from '@koa/router';
import Koa from 'koa';
import type { Provider } from 'oidc-provider';
import type { StorageOptions } from './adapters/open-storage.js';
import { createAdminRoutes } from './composition/admin-routes.js';
import { createBankRole } from './composition/bank-role.js';
import { createExplanationRoutes } from './composition/explanation-routes.js';
import { createIdentityRole } from './composition/identity-role.js';
import { createListeners } from './composition/listeners.js';
import { openFoundation, openProvider } from './composition/open-foundation.js';
import { createRegistrationRoutes } from './composition/registration-routes.js';
import type { Foundation, Role, Route } from './composition/role.js';
import type { Configuration } from './config/schema.js';
import { assets } from './consent-ui/assets.js';
import type { BankLedger } from './core/bank-ledger.js';
import { createLogoHandler } from './core/client-logo.js';
import { type Clock, systemClock } from './core/clock.js';
import type { Storage } from './core/storage.js';
import { createLogger } from './create-logger.js';
import { allowHosts } from './http/allow-hosts.js';
import { dispatch } from './http/dispatch.js';
import { createLogoLoader } from './http/load-logo.js';
import { refuseSeveralAuthorizations } from './http/refuse-several-authorizations.js';
import { securityHeaders } from './http/security-headers.js';
import { serveAssets } from './http/serve-assets.js';
import { serveClientLogos } from './http/serve-logos.js';
import { traceRequest } from './http/trace-id.js';
import { createClientRules } from './provider/client-rules.js';
import { administerAllKeys } from './provider/keys/administer-all-keys.js';
import type { KeyManager } from './provider/keys/key-manager.js';
import { isolateClock, runAt } from './provider/library-clock.js';
import { seedClients } from './provider/seed-clients.js';

export interface AssentOptions {
  readonly configuration: Configuration;
  readonly clock?: Clock;
  /** Allows institutions that are made up (`simulated-legacy`): for sandboxes and tests only. */
  readonly simulatedInstitutions?: boolean;
  /** The bank's own systems; required in the bank role. */
  readonly ledger?: BankLedger;
  /** Told of each storage call; tests count with it. */
  readonly onStorageCall?: StorageOptions['onCall'];
}

/** One Assent, built and not yet listening. */
export interface Assent {
  readonly provider: Provider;
  readonly storage: Storage;
  readonly keys: KeyManager;
  /** What changes the keys that clients encrypt to. */
  readonly encryptionKeys: KeyManager;
  /** Opens both listeners and begins to do what is due. @throws the system's error, e.g. `EADDRINUSE`. */
  start(): Promise<void>;
  /** Finishes requests in flight (bounded), then closes listeners, connectors and storage. */
  stop(): Promise<void>;
}

/** How long jobs under way may take when the process is told to stop (seconds). */
const grace = 10;

/**
 * The composition root: builds everything from a validated configuration and nothing else, so that
 * several can run in one process.
 * @throws Error with one sentence for the operator where storage, keys or clients are not usable.
 */
export async function createAssent(options: AssentOptions): Promise<Assent> {
  const clock = isolateClock(options.clock ?? systemClock);
  const assent = await runAt(clock, () => buildAssent(options, clock));
  return { ...assent, start: () => runAt(clock, assent.start) };
}

async function buildAssent(options: AssentOptions, clock: Clock): Promise<Assent> {
  const { configuration } = options;
  assertReal(options);
  const createRole = chooseRole(options);
  const logger = createLogger(configuration.log);
  const opened = await openFoundation({ ...options, clock, logger });
  const { foundation, scheduler, keys } = opened;
  const { storage } = foundation;
  try {
    const role = await createRole(foundation);
    const provider = await openProvider(foundation, role);
    const rules = createClientRules(provider, configuration.lifetimes);
    await seedClients({ rules, storage, clock, logger }, configuration.clients);
    const application = createApplication(configuration, [
      serveClientLogos(foundation.logos.clients, storage),
      createAdminRoutes({
        ...foundation,
        ...{ provider, rules, holdings: role.holdings },
        keys: administerAllKeys(keys.manager, keys.encryptionManager),
      }),
      createExplanationRoutes({ ...foundation, provider }),
      ...createRegistrationRoutes({ ...foundation, provider, rules, holdings: role.holdings }),
      ...role.routes({ ...foundation, provider }),
    ]);
    const handler = dispatch(provider.callback(), application.callback());
    const listeners = createListeners({
      configuration,
      logger,
      handler: (request, response) => runAt(clock, () => handler(request, response)),
    });
    return {
      ...{ provider, storage, keys: keys.manager, encryptionKeys: keys.encryptionManager },
      async start() {
        await listeners.open();
        scheduler.start([
          ...role.jobs,
          keys.manager.handler,
          keys.encryptionManager.handler,
          createLogoHandler({ ...foundation, load: createLogoLoader(foundation.guardedFetch) }),
        ]);
      },
      async stop() {
        await listeners.close();
        await scheduler.stop(grace);
        await opened.close();
      },
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** People's bank passwords are typed into a made-up bank: nobody is to meet it outside of a sandbox. */
function assertReal({ configuration, simulatedInstitutions = false }: AssentOptions): void {
  const made = configuration.institutions.find(
    ({ connector }) => connector.type === 'simulated-legacy',
  );
  if (made && !simulatedInstitutions) {
    throw new Error(
      `The institution ${made.id} has the connector simulated-legacy, a made-up bank that only the sandbox can start with; remove it from the configuration`,
    );
  }
}

function createApplication(configuration: Configuration, routes: readonly Route[]): Koa {
  const application = new Koa();
  for (const middleware of [
    traceRequest,
    allowHosts([configuration.publicUrl, configuration.mtlsUrl]),
    securityHeaders(),
    refuseSeveralAuthorizations,
    serveAssets(assets),
    ...routes,
  ]) {
    if (middleware instanceof Router) application.use(middleware.routes());
    else application.use(middleware);
  }
  return application;
}

/** @throws Error before anything is opened where the role cannot be had. */
function chooseRole({
  configuration: { role },
  ledger,
}: AssentOptions): (foundation: Foundation) => Promise<Role> | Role {
  if (role === 'identity-service') return createIdentityRole;
  if (ledger) return (foundation) => createBankRole(foundation, ledger);
  throw new Error(
    'The bank role needs a ledger, which only a program that embeds Assent can give: see docs/embedding.md',
  );
}
