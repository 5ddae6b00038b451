import type { ApiDeps } from '../api/create-api.js';
import type { Configuration } from '../config/schema.js';
import { createAccountReader } from '../core/account-reader.js';
import { createAuthRequestsService } from '../core/auth-requests-service.js';
import { createAutomaticSyncs } from '../core/automatic-syncs.js';
import { createBankBudget } from '../core/bank-budget.js';
import { createClientExtension } from '../core/client-extension.js';
import type { Clock } from '../core/clock.js';
import { createAuthRequestEnds } from '../core/complete-auth-request.js';
import { createConnect } from '../core/connect.js';
import { createConnectionsService } from '../core/connections-service.js';
import { createConsentHistory } from '../core/consent-history.js';
import { createAuthRequestCreation } from '../core/create-auth-request.js';
import { createEndClientHandler } from '../core/end-client.js';
import type { EndConnectionDeps } from '../core/end-connection.js';
import type { ExtendGrant } from '../core/extend-consent.js';
import { createGiveUpHandler } from '../core/give-up-pending.js';
import type { InstitutionDirectory } from '../core/institution.js';
import { createConsentClockHandler } from '../core/keep-consent-clock.js';
import { createLeaveVisitHandler } from '../core/leave-visit.js';
import type { Logger } from '../core/logger.js';
import { createNewConnectionHandler } from '../core/new-connection.js';
import { createConnectionRedemption } from '../core/redeem-connection.js';
import { createRenewalHandler } from '../core/renew-connection.js';
import { createRequestSync } from '../core/request-sync.js';
import { createResumeSyncs } from '../core/resume-syncs.js';
import { createScimUsers } from '../core/scim-users.js';
import type { Storage } from '../core/storage.js';
import { createSyncWatch } from '../core/sync-watch.js';
import { createSynchroniser } from '../core/synchronise.js';
import { createSyncsService } from '../core/syncs-service.js';
import { createTransactionReader } from '../core/transaction-reader.js';
import { createUserHoldings } from '../core/user-holdings.js';
import { createUsersService } from '../core/users-service.js';
import { createBankVisits } from '../core/visit-bank.js';
import { createWebhookDeliveriesService } from '../core/webhook-deliveries-service.js';
import { createWebhooks, type WebhooksDeps } from '../core/webhooks.js';
import { createWithdrawals } from '../core/withdrawals.js';

interface IdentityServicesDeps extends Pick<WebhooksDeps, 'random' | 'send' | 'sign'> {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly directory: InstitutionDirectory;
  readonly extendGrant: ExtendGrant;
  readonly revokeGrant: EndConnectionDeps['revokeGrant'];
  readonly configuration: Pick<Configuration, 'publicUrl' | 'synchronisation'> & {
    readonly lifetimes: Pick<
      Configuration['lifetimes'],
      'identityServiceCode' | 'interaction' | 'oneTimeConsent' | 'ongoingConsent' | 'revival'
    >;
  };
}

/** What the identity service does, of whatever provider's Grants: nothing here speaks HTTP to anybody. */
export function createIdentityServices(deps: IdentityServicesDeps) {
  const { storage, clock, logger, directory, extendGrant, revokeGrant, configuration } = deps;
  const { publicUrl, lifetimes, synchronisation } = configuration;
  const { interaction, oneTimeConsent, ongoingConsent, revival } = lifetimes;
  const withdrawals = createWithdrawals({ storage, directory, clock, logger });
  const watch = createSyncWatch(storage);
  const budget = createBankBudget({ storage, directory, clock });
  const { everyHours } = synchronisation;
  const automatic = createAutomaticSyncs({ storage, clock, budget, everyHours });
  const webhooks = createWebhooks({ ...deps, issuer: publicUrl });
  const ending = { storage, clock, withdrawals, revokeGrant };
  const connections = createConnectionsService(ending);
  const users = createUsersService(ending);
  const holdings = createUserHoldings({ storage, clock, users });
  const resumeSyncs = createResumeSyncs(budget);
  const renewal = createRenewalHandler({ storage, directory, clock, withdrawals, extendGrant });
  const visits = createBankVisits({
    storage,
    directory,
    withdrawals,
    logger,
    redirectUri: `${publicUrl}/bank/callback`,
    handlers: {
      connect: createNewConnectionHandler({
        storage,
        directory,
        clock,
        // The code's own life, and a minute for a redemption that is under way.
        redeemWithin: lifetimes.identityServiceCode + 60,
      }),
      reauth: renewal,
      refresh: renewal,
    },
  });
  const authRequestEnds = createAuthRequestEnds({
    ...{ storage, directory, clock, logger, visits, watch },
  });
  const api: Omit<ApiDeps, 'authenticate' | 'origins'> = {
    users,
    scimUsers: createScimUsers({ storage, clock }),
    consentHistory: createConsentHistory({ storage, clock }),
    authRequests: createAuthRequestsService({
      storage,
      clock,
      create: createAuthRequestCreation({
        ...{ storage, directory, clock, visits },
        policy: { oneTimeConsent, ongoingConsent, revival },
        lasts: interaction,
      }),
      complete: authRequestEnds.complete,
    }),
    connections,
    extendByClient: createClientExtension({ storage, clock, extendGrant, resumeSyncs, revival }),
    accounts: createAccountReader({ storage, clock }),
    transactions: createTransactionReader({ storage, clock }),
    syncs: createSyncsService({ storage, budget }),
    requestSync: createRequestSync({ storage, clock, budget, watch }),
    webhookDeliveries: createWebhookDeliveriesService({ storage, clock, ...webhooks }),
    storage,
    clock,
    logger,
  };

  return {
    api,
    authRequestEnds,
    connect: createConnect({ storage, directory, clock, visits, extendGrant, resumeSyncs }),
    holdings,
    redeemGrant: createConnectionRedemption({ storage, clock, watch }),
    withdrawals,
    jobs: [
      createEndClientHandler({ storage, clock, holdings }),
      authRequestEnds.handler,
      createGiveUpHandler(connections.abandon),
      createLeaveVisitHandler({ storage, visits }),
      createConsentClockHandler({ ...ending, revival }),
      withdrawals.handler,
      ...webhooks.jobs,
      createSynchroniser({ storage, directory, clock, logger, budget, automatic, watch }),
      automatic.handler,
    ],
  };
}
