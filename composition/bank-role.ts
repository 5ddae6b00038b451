import { randomBytes, randomUUID } from 'node:crypto';
import { createIdentityAccess } from '../adapters/oidc/identity-access.js';
import { revokeGrant, revokeIssued, revokeRefreshTokens } from '../adapters/oidc/revoke-grant.js';
import {
  consumerDataPath,
  createConsumerDataApi,
} from '../api/consumer-data/create-consumer-data-api.js';
import { createGrantManagementApi } from '../api/grant-management/create-grant-management-api.js';
import {
  accountInformationPath,
  createOpenBankingApi,
} from '../api/open-banking/create-open-banking-api.js';
import { createApprovals } from '../core/approvals-service.js';
import type { BankLedger } from '../core/bank-ledger.js';
import { clients } from '../core/clients.js';
import { createEndClientHandler } from '../core/end-client.js';
import { createIntentHoldings } from '../core/intent-holdings.js';
import { createIntentService } from '../core/intent-service.js';
import { createLoginBudget } from '../core/login-budget.js';
import type { PersonClaims } from '../core/person-claims.js';
import { createPingHandler } from '../core/ping-client.js';
import { noStore } from '../http/security-headers.js';
import { createPingSender } from '../http/send-ping.js';
import { createClientLogoFinder } from '../http/serve-logos.js';
import { answerPageErrors } from '../interactions/answer-page-errors.js';
import { accessPages, createAccessPages } from '../interactions/bank/access/create-access-pages.js';
import { createApprovalVisits } from '../interactions/bank/approvals/approval-visits.js';
import { createAskedAccess } from '../interactions/bank/approvals/asked-access.js';
import {
  approvalPages,
  createApprovalPages,
} from '../interactions/bank/approvals/create-approval-pages.js';
import { type CustomerPages, createSignIn } from '../interactions/bank/approvals/sign-in.js';
import { createBankInteractions } from '../interactions/bank/create-bank-interactions.js';
import { createCustomerSignIn } from '../interactions/bank/customer-sign-in.js';
import { brandOf } from '../interactions/bank/show-steps.js';
import { createSignOnInteractions } from '../interactions/bank/sign-on/create-sign-on-interactions.js';
import { createLogoutPages } from '../interactions/bank/sign-on/show-sign-on.js';
import { createDescribeClient } from '../interactions/describe-client.js';
import { createInteractionSessions } from '../interactions/interaction-session.js';
import { createProblemRenderer } from '../interactions/render-problem.js';
import { isGrantManagementOffered } from '../provider/configuration/grant-management.js';
import { resourceOf } from '../provider/configuration/scopes.js';
import { createGrantReader } from '../provider/grant-reader.js';
import { createSubjectReader } from '../provider/pairwise-subjects.js';
import { offeredProfiles } from '../provider/profiles/offered-profiles.js';
import { profileOf } from '../provider/profiles/profiles.js';
import { type Foundation, protect, type Role } from './role.js';

/** A bank's own authorization server and account information API. */
export function createBankRole(foundation: Foundation, ledger: BankLedger): Role {
  const { configuration, storage, clock, logger, logos } = foundation;
  const { mtlsUrl, lifetimes } = configuration;
  const intentService = createIntentService({
    storage,
    clock,
    newId: randomUUID,
    ...{ revokeGrant, revokeIssued, revokeRefreshTokens },
  });
  const loginBudget = createLoginBudget({ storage, clock });
  const customers = createCustomerSignIn({ ledger, loginBudget, storage, clock });
  const isAskedBehind = offeredProfiles(configuration).backchannelAlgorithms.size > 0;
  const approvals =
    configuration.features.backchannelAuthentication && isAskedBehind
      ? createApprovals({ storage, clock, ledger, intentService })
      : undefined;
  const holdings = createIntentHoldings({ storage, clock, intentService });
  const send = createPingSender(foundation.guardedFetch, logger);

  const renderProblem = createProblemRenderer(brandOf(ledger.bankName));

  return {
    renderProblem,
    jobs: [
      createPingHandler({ storage, clock, logger, send }),
      createEndClientHandler({ storage, clock, holdings }),
    ],
    ...(approvals && { approvals }),
    signOn: {
      describe: (customerId) => describeCustomer(ledger, customerId),
      pages: createLogoutPages(ledger),
    },
    withdrawIntent: intentService.withdraw,
    redeemGrant: async () => ({ writes: [] }),
    holdings,
    routes({ provider, unitOfWork }) {
      const resource = resourceOf(configuration);
      const describeClient = createDescribeClient(createClientLogoFinder(logos.clients, storage));
      const sessions = createInteractionSessions({
        ...{ provider, storage, unitOfWork, describeClient, resource },
      });
      const subjectOf = createSubjectReader(provider, foundation.pairwise);
      const interactions = createBankInteractions({
        sessions,
        intentService,
        signIn: customers,
        ledger,
        clock,
        openEndedIntent: lifetimes.openEndedIntent,
        openEndedConsent: lifetimes.ongoingConsent,
        knownFor: lifetimes.oneTimeConsent,
        newId: randomUUID,
        questionsOf: profileOf,
        resources: configuration.resources,
        subjectOf,
      });
      const { singleSignOn, arrangements } = offeredProfiles(configuration);
      const signOn = singleSignOn && [
        createSignOnInteractions({
          ...{ provider, sessions, ledger, subjectOf },
          signIn: customers,
          isSignOn: (client) => profileOf(client).singleSignOn,
          newId: randomUUID,
        }),
      ];
      const accountInformation = createOpenBankingApi({
        authenticate: protect(foundation, provider),
        intentService,
        ledger,
        storage,
        clock,
        logger,
        baseUrl: `${mtlsUrl}${accountInformationPath}`,
      });
      const consumerData = arrangements && [
        createConsumerDataApi({
          authenticate: protect(foundation, provider),
          ...{ ledger, storage, clock, logger },
          baseUrl: `${mtlsUrl}${consumerDataPath}`,
        }),
      ];
      const grants = createGrantManagementApi({
        ...{ intentService, clock, logger },
        grants: createGrantReader(provider),
        authenticate: protect(foundation, provider),
      });
      const { publicUrl: origin } = configuration;
      const visits = createApprovalVisits({ clock, newSecret });
      const signInFor = (pages: CustomerPages) =>
        createSignIn({ visits, customers, ledger, storage, origin, pages });
      const pages = approvals && [
        createApprovalPages({
          ...{ provider, unitOfWork, storage, clock, ledger, approvals, intentService, resource },
          askedAccess: createAskedAccess({
            ...{ ledger, intentService, clock },
            newId: randomUUID,
            openEndedIntent: lifetimes.openEndedIntent,
            openEndedConsent: lifetimes.ongoingConsent,
            knownFor: lifetimes.oneTimeConsent,
          }),
          signIn: signInFor(approvalPages),
          describeClient,
        }),
      ];
      const access = createAccessPages({
        ...{ storage, ledger, intentService, describeClient, origin, clock },
        openEndedIntent: lifetimes.openEndedIntent,
        identityAccess: createIdentityAccess({
          ...{ storage, clock },
          endsWithSession: async (clientId) => {
            const client = await storage.get(clients, clientId);
            return client !== undefined && profileOf(client.value).singleSignOn;
          },
        }),
        signIn: signInFor(accessPages),
      });
      return [
        accountInformation,
        ...(consumerData || []),
        ...(isGrantManagementOffered(configuration) ? [grants] : []),
        answerPageErrors(logger, renderProblem),
        noStore,
        ...(signOn || []),
        interactions,
        access,
        ...(pages ?? []),
      ];
    },
  };
}

/** A bank that tells no more tells the name. */
async function describeCustomer(ledger: BankLedger, id: string): Promise<PersonClaims> {
  if (ledger.describe) return ledger.describe(id);
  const customer = await ledger.identify({ id });
  return customer ? { name: customer.name } : {};
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
