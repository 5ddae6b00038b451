import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import Router from '@koa/router';
import Koa, { type Middleware } from 'koa';
import type { Provider } from 'oidc-provider';
import { createOidcAdapterFactory } from './adapters/oidc/create-oidc-adapter-factory.js';
import { oidcCollections } from './adapters/oidc/oidc-collections.js';
import { revokeGrant } from './adapters/oidc/revoke-grant.js';
import { createUnitOfWork, type UnitOfWork } from './adapters/oidc/unit-of-work.js';
import { openStorage, type StorageOptions } from './adapters/open-storage.js';
import type { ApiState } from './api/api-state.js';
import { createApi } from './api/create-api.js';
import { authenticate } from './api/middleware/authenticate.js';
import { dpopProofs } from './api/middleware/dpop-proof.js';
import {
  accountInformationPath,
  createOpenBankingApi,
} from './api/open-banking/create-open-banking-api.js';
import { createWellKnownLists } from './api/well-known/create-well-known-lists.js';
import type { Configuration } from './config/schema.js';
import { assets, bankIcon } from './consent-ui/assets.js';
import { createAccountReader } from './core/account-reader.js';
import type { BankLedger } from './core/bank-ledger.js';
import { type Clock, systemClock } from './core/clock.js';
import { domainCollections } from './core/collections.js';
import { createConnect } from './core/connect.js';
import { createConnectionsService } from './core/connections-service.js';
import { createPendingWatch } from './core/give-up-pending.js';
import { createIntentService } from './core/intent-service.js';
import type { Logger } from './core/logger.js';
import { createLoginBudget } from './core/login-budget.js';
import { createConnectionRedemption } from './core/redeem-connection.js';
import type { Storage } from './core/storage.js';
import { createSynchroniser } from './core/synchronise.js';
import { createTransactionReader } from './core/transaction-reader.js';
import { createUsersService } from './core/users-service.js';
import { createWithdrawals } from './core/withdrawals.js';
import { createLogger } from './create-logger.js';
import { allowHosts } from './http/allow-hosts.js';
import { readClientCertificate } from './http/client-certificate.js';
import { dispatch } from './http/dispatch.js';
import { type Listener, listen } from './http/listen.js';
import { readLogos } from './http/read-logos.js';
import { noStore, securityHeaders } from './http/security-headers.js';
import { serveAssets } from './http/serve-assets.js';
import { logoPaths, serveLogos } from './http/serve-logos.js';
import { traceRequest } from './http/trace-id.js';
import { createInstitutionDirectory } from './institutions/create-institution-directory.js';
import { answerPageErrors } from './interactions/answer-page-errors.js';
import { createBankInteractions } from './interactions/bank/create-bank-interactions.js';
import { createIdentityInteractions } from './interactions/identity/create-identity-interactions.js';
import { createInteractionSessions } from './interactions/interaction-session.js';
import { renderProblem } from './interactions/render-problem.js';
import { createAccessTokenReader } from './provider/access-token-reader.js';
import { resourceOf } from './provider/configuration/scopes.js';
import { createProvider } from './provider/create-provider.js';
import type { RedeemGrant } from './provider/grants/authorization-code.js';
import { loadSigningKeys, signingKeys } from './provider/keys/signing-keys.js';
import { seedClients } from './provider/seed-clients.js';

export interface AssentOptions {
  readonly configuration: Configuration;
  readonly clock?: Clock;
  /** The bank's own systems; required in the bank role. */
  readonly ledger?: BankLedger;
  /** Told of each storage call; tests count with it. */
  readonly onStorageCall?: StorageOptions['onCall'];
}

/** One Assent, built and not yet listening. */
export interface Assent {
  readonly provider: Provider;
  readonly storage: Storage;
  /** Opens both listeners. @throws the system's error, e.g. `EADDRINUSE`. */
  start(): Promise<void>;
  /** Finishes requests in flight (bounded), then closes listeners, connectors and storage. */
  stop(): Promise<void>;
}

type Route = Middleware | Router | Router<ApiState>;

/** What one role adds to the provider: its routes, and what redeeming a code completes. */
interface Role {
  readonly redeemGrant: RedeemGrant;
  routes(foundation: Foundation & { readonly provider: Provider }): readonly Route[];
  stop(): Promise<void>;
}

/** What every room is built from. */
interface Foundation {
  readonly configuration: Configuration;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly storage: Storage;
  readonly unitOfWork: UnitOfWork;
}

/** How long requests in flight may take to finish when the process is told to stop (seconds). */
const grace = 10;

/**
 * The composition root: builds everything from a validated configuration and nothing else, so that
 * several can run in one process.
 * @throws Error with one sentence for the operator where storage, keys or clients are not usable.
 */
export async function createAssent(options: AssentOptions): Promise<Assent> {
  const { configuration, clock = systemClock, onStorageCall } = options;
  const logger = createLogger(configuration.log);
  const storage = await openStorage({
    url: configuration.storage.url,
    masterKey: configuration.storage.masterKey,
    collections: [...domainCollections, dpopProofs, signingKeys, ...Object.values(oidcCollections)],
    clock,
    ...(onStorageCall && { onCall: onStorageCall }),
  });
  try {
    const unitOfWork = createUnitOfWork(storage, clock);
    const foundation = { configuration, clock, logger, storage, unitOfWork };
    const role = await createRole(options, foundation);
    const provider = createProvider({
      ...foundation,
      adapter: createOidcAdapterFactory({ unitOfWork, clock }),
      signingKeys: await loadSigningKeys(
        storage,
        configuration.signing.algorithms,
        new Date(clock.now()),
      ),
      redeemGrant: role.redeemGrant,
      renderProblem,
    });
    await seedClients(provider, storage, configuration.clients);
    const application = createApplication(configuration, role.routes({ ...foundation, provider }));
    const handler = dispatch(provider.callback(), application.callback());
    return { provider, storage, ...createListeners(configuration, handler, storage, role) };
  } catch (error) {
    await storage.close();
    throw error;
  }
}

function createApplication(configuration: Configuration, routes: readonly Route[]): Koa {
  const application = new Koa();
  for (const middleware of [
    traceRequest,
    allowHosts([configuration.publicUrl, configuration.mtlsUrl]),
    securityHeaders(),
    serveAssets(assets),
    ...routes,
  ]) {
    if (middleware instanceof Router) application.use(middleware.routes());
    else application.use(middleware);
  }
  return application;
}

function createListeners(
  { listen: addresses, tls }: Configuration,
  handler: RequestListener,
  storage: Storage,
  role: Role,
): Pick<Assent, 'start' | 'stop'> {
  const listeners: Listener[] = [];

  async function closeListeners(): Promise<void> {
    await Promise.all(listeners.splice(0).map((listener) => listener.close(grace)));
  }

  return {
    async start() {
      const [certificate, key, ...clientAuthorities] = await Promise.all(
        [tls.certificate, tls.key, ...tls.clientCertificateAuthorities].map((path) =>
          readFile(path, 'utf8'),
        ),
      );
      const material = { certificate: certificate ?? '', key: key ?? '' };
      try {
        listeners.push(await listen({ ...addresses.browser, ...material }, handler));
        listeners.push(
          await listen({ ...addresses.mtls, ...material, clientAuthorities }, handler),
        );
      } catch (error) {
        await closeListeners();
        throw error;
      }
    },
    async stop() {
      await closeListeners();
      await role.stop();
      await storage.close();
    },
  };
}

async function createRole(options: AssentOptions, foundation: Foundation): Promise<Role> {
  if (options.configuration.role === 'identity-service') return createIdentityRole(foundation);
  if (options.ledger) return createBankRole(foundation, options.ledger);
  throw new Error('The bank role needs a ledger, which only a program that embeds Assent can give');
}

async function createIdentityRole(foundation: Foundation): Promise<Role> {
  const { configuration, storage, clock, logger } = foundation;
  const { publicUrl, lifetimes, institutions } = configuration;
  const logos = await readLogos(configuration.logos);
  const directory = await createInstitutionDirectory({ institutions, clock });
  const withdrawals = createWithdrawals({ storage, directory, clock, logger });
  const synchroniser = createSynchroniser({ storage, directory, clock, logger });
  const ending = { storage, clock, withdrawals, revokeGrant };
  const connections = createConnectionsService(ending);
  const { abandon } = connections;
  const pending = createPendingWatch({ storage, clock, logger, abandon });
  const connect = createConnect({
    storage,
    directory,
    clock,
    logger,
    redirectUri: `${publicUrl}/bank/callback`,
    // The code's own life, and a minute for a redemption that is under way.
    redeemWithin: lifetimes.identityServiceCode + 60,
    onPending: pending.watch,
  });
  await withdrawals.start();
  pending.start();
  void synchroniser.resume();

  return {
    redeemGrant: createConnectionRedemption(storage, synchroniser),
    routes({ provider, unitOfWork }) {
      const sessions = createInteractionSessions({
        provider,
        storage,
        unitOfWork,
        resource: resourceOf(configuration),
      });
      const interactions = createIdentityInteractions({
        sessions,
        connect,
        directory,
        logos: logoPaths(logos),
        storage,
        clock,
        logger,
        oneTimeConsent: lifetimes.oneTimeConsent,
        ongoingConsent: lifetimes.ongoingConsent,
      });
      const { publicUrl, mtlsUrl } = configuration;
      const api = createApi({
        users: createUsersService(ending),
        connections,
        accounts: createAccountReader({ storage, clock }),
        transactions: createTransactionReader({ storage, clock }),
        authenticate: protect(foundation, provider),
        clock,
        logger,
        origins: [publicUrl, mtlsUrl],
      });
      return [
        serveLogos(logos, bankIcon),
        createWellKnownLists({ directory, storage, publicUrl }),
        api,
        answerPageErrors(logger),
        noStore,
        interactions,
      ];
    },
    async stop() {
      synchroniser.stop();
      pending.stop();
      withdrawals.stop();
    },
  };
}

function createBankRole(foundation: Foundation, ledger: BankLedger): Role {
  const { configuration, storage, clock, logger } = foundation;
  const { mtlsUrl, lifetimes } = configuration;
  const intentService = createIntentService({ storage, clock, newId: randomUUID, revokeGrant });

  return {
    redeemGrant: async () => ({ writes: [] }),
    routes({ provider, unitOfWork }) {
      const resource = resourceOf(configuration);
      const sessions = createInteractionSessions({ provider, storage, unitOfWork, resource });
      const interactions = createBankInteractions({
        sessions,
        intentService,
        loginBudget: createLoginBudget({ storage, clock }),
        ledger,
        storage,
        clock,
        openEndedConsent: lifetimes.ongoingConsent,
      });
      const accountInformation = createOpenBankingApi({
        authenticate: protect(foundation, provider),
        intentService,
        ledger,
        storage,
        clock,
        logger,
        baseUrl: `${mtlsUrl}${accountInformationPath}`,
      });
      return [accountInformation, answerPageErrors(logger), noStore, interactions];
    },
    stop: async () => {},
  };
}

/** The check of access tokens that both roles put before their resources. */
function protect({ configuration, storage, clock }: Foundation, provider: Provider): Middleware {
  const { publicUrl, mtlsUrl } = configuration;
  return authenticate({
    tokens: createAccessTokenReader(provider),
    storage,
    clock,
    origins: [publicUrl, mtlsUrl],
    readCertificate: readClientCertificate,
  });
}
