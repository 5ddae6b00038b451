import { extendGrant as moveGrantEnd } from '../adapters/oidc/extend-grant.js';
import { revokeGrant } from '../adapters/oidc/revoke-grant.js';
import { createApi } from '../api/create-api.js';
import { createRequestObjectApi } from '../api/request-objects/create-request-object-api.js';
import { createWellKnownLists } from '../api/well-known/create-well-known-lists.js';
import { bankIcon } from '../consent-ui/assets.js';
import { createAccountReader } from '../core/account-reader.js';
import { createAuthRequestsService } from '../core/auth-requests-service.js';
import { createAutomaticSyncs } from '../core/automatic-syncs.js';
import { createBankBudget } from '../core/bank-budget.js';
import { createClientExtension } from '../core/client-extension.js';
import { createAuthRequestEnds } from '../core/complete-auth-request.js';
import { createConnect } from '../core/connect.js';
import { createConnectionsService } from '../core/connections-service.js';
import { createConsentHistory } from '../core/consent-history.js';
import { createAuthRequestCreation } from '../core/create-auth-request.js';
import { createEndClientHandler } from '../core/end-client.js';
import type { ExtendGrant } from '../core/extend-consent.js';
import { createGiveUpHandler } from '../core/give-up-pending.js';
import { createConsentClockHandler } from '../core/keep-consent-clock.js';
import { createLeaveVisitHandler } from '../core/leave-visit.js';
import { createNewConnectionHandler } from '../core/new-connection.js';
import { createConnectionRedemption } from '../core/redeem-connection.js';
import { createRenewalHandler } from '../core/renew-connection.js';
import { createRequestSync } from '../core/request-sync.js';
import { createResumeSyncs } from '../core/resume-syncs.js';
import { createScimUsers } from '../core/scim-users.js';
import { createSyncWatch } from '../core/sync-watch.js';
import { createSynchroniser } from '../core/synchronise.js';
import { createSyncsService } from '../core/syncs-service.js';
import { createTransactionReader } from '../core/transaction-reader.js';
import { createUserHoldings } from '../core/user-holdings.js';
import { createUsersService } from '../core/users-service.js';
import { createBankVisits } from '../core/visit-bank.js';
import { createWebhookDeliveriesService } from '../core/webhook-deliveries-service.js';
import { createWebhooks } from '../core/webhooks.js';
import { createWithdrawals } from '../core/withdrawals.js';
import { noStore } from '../http/security-headers.js';
import { createWebhookSender } from '../http/send-webhook.js';
import { bankLogoPath, createClientLogoFinder, serveBankIcons } from '../http/serve-logos.js';
import { createInstitutionDirectory } from '../institutions/create-institution-directory.js';
import { answerPageErrors } from '../interactions/answer-page-errors.js';
import { createDescribeClient } from '../interactions/describe-client.js';
import { createIdentityInteractions } from '../interactions/identity/create-identity-interactions.js';
import { forwardToClient } from '../interactions/identity/forward-to-client.js';
import { createInteractionSessions } from '../interactions/interaction-session.js';
import { resourceOf } from '../provider/configuration/scopes.js';
import { createEventSigner } from '../provider/keys/event-signer.js';
import { createRequestObjectRegister } from '../provider/request-objects/create-request-object-register.js';
import { type Foundation, protect, type Role } from './role.js';

/** The identity service: people connect their banks, clients read. */
export async function createIdentityRole(foundation: Foundation): Promise<Role> {
  const { configuration, storage, clock, logger, logos } = foundation;
  const { publicUrl, lifetimes, institutions } = configuration;
  const directory = await createInstitutionDirectory({ institutions, clock });
  const withdrawals = createWithdrawals({ storage, directory, clock, logger });
  const watch = createSyncWatch(storage);
  const budget = createBankBudget({ storage, directory, clock });
  const { everyHours } = configuration.synchronisation;
  const automatic = createAutomaticSyncs({ storage, clock, budget, everyHours });
  const webhooks = createWebhooks({
    storage,
    clock,
    logger,
    random: Math.random,
    send: createWebhookSender(foundation.guardedFetch, logger),
    sign: createEventSigner(foundation.signingKeys),
    issuer: publicUrl,
  });
  const ending = { storage, clock, withdrawals, revokeGrant };
  const connections = createConnectionsService(ending);
  const users = createUsersService(ending);
  const holdings = createUserHoldings({ storage, clock, users });
  const extendGrant: ExtendGrant = (grantId, end) =>
    moveGrantEnd(storage, grantId, end, lifetimes.revival);
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
  const connect = createConnect({
    storage,
    directory,
    clock,
    visits,
    extendGrant,
    resumeSyncs,
  });

  const { interaction, oneTimeConsent, ongoingConsent, revival } = lifetimes;
  const authRequestEnds = createAuthRequestEnds({
    ...{ storage, directory, clock },
    logger,
    visits,
    watch,
  });
  const authRequests = createAuthRequestsService({
    storage,
    clock,
    create: createAuthRequestCreation({
      storage,
      directory,
      clock,
      visits,
      policy: { oneTimeConsent, ongoingConsent, revival },
      lasts: interaction,
    }),
    complete: authRequestEnds.complete,
  });

  return {
    jobs: [
      createEndClientHandler({ storage, clock, holdings }),
      authRequestEnds.handler,
      createGiveUpHandler(connections.abandon),
      createLeaveVisitHandler({ storage, visits }),
      createConsentClockHandler({ ...ending, revival: lifetimes.revival }),
      withdrawals.handler,
      ...webhooks.jobs,
      createSynchroniser({ storage, directory, clock, logger, budget, automatic, watch }),
      automatic.handler,
    ],
    holdings,
    redeemGrant: createConnectionRedemption({ storage, clock, watch }),
    routes({ provider, unitOfWork }) {
      const sessions = createInteractionSessions({
        provider,
        storage,
        unitOfWork,
        describeClient: createDescribeClient(createClientLogoFinder(logos.clients, storage)),
        resource: resourceOf(configuration),
      });
      const interactions = createIdentityInteractions({
        sessions,
        connect,
        directory,
        logoOf: (bankRef) => bankLogoPath(logos.banks, bankRef),
        storage,
        clock,
        logger,
        oneTimeConsent: lifetimes.oneTimeConsent,
        ongoingConsent: lifetimes.ongoingConsent,
        revival: lifetimes.revival,
      });
      const { publicUrl, mtlsUrl } = configuration;
      const { register } = createRequestObjectRegister({ provider, storage, clock });
      const api = createApi({
        users,
        scimUsers: createScimUsers({ storage, clock }),
        consentHistory: createConsentHistory({ storage, clock }),
        authRequests,
        connections,
        extendByClient: createClientExtension({
          storage,
          clock,
          extendGrant,
          resumeSyncs,
          revival: lifetimes.revival,
        }),
        accounts: createAccountReader({ storage, clock }),
        transactions: createTransactionReader({ storage, clock }),
        syncs: createSyncsService({ storage, budget }),
        requestSync: createRequestSync({ storage, clock, budget, watch }),
        webhookDeliveries: createWebhookDeliveriesService({ storage, clock, ...webhooks }),
        authenticate: protect(foundation, provider),
        storage,
        clock,
        logger,
        origins: [publicUrl, mtlsUrl],
      });
      return [
        serveBankIcons(logos.banks, bankIcon),
        createWellKnownLists({ directory, storage, publicUrl }),
        createRequestObjectApi({ register, logger }),
        api,
        answerPageErrors(logger),
        noStore,
        forwardToClient(authRequestEnds),
        interactions,
      ];
    },
  };
}
