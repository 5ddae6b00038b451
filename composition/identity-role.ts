import { extendGrant } from '../adapters/oidc/extend-grant.js';
import { revokeGrant } from '../adapters/oidc/revoke-grant.js';
import { createApi } from '../api/create-api.js';
import { createRequestObjectApi } from '../api/request-objects/create-request-object-api.js';
import { createWellKnownLists } from '../api/well-known/create-well-known-lists.js';
import { bankIcon } from '../consent-ui/assets.js';
import { noStore } from '../http/security-headers.js';
import { createWebhookSender } from '../http/send-webhook.js';
import { bankLogoPath, createClientLogoFinder, serveBankIcons } from '../http/serve-logos.js';
import { createInstitutionDirectory } from '../institutions/create-institution-directory.js';
import { answerPageErrors } from '../interactions/answer-page-errors.js';
import { createDescribeClient } from '../interactions/describe-client.js';
import { createIdentityInteractions } from '../interactions/identity/create-identity-interactions.js';
import { forwardToClient } from '../interactions/identity/forward-to-client.js';
import { createInteractionSessions } from '../interactions/interaction-session.js';
import { createProblemRenderer } from '../interactions/render-problem.js';
import { resourceOf } from '../provider/configuration/scopes.js';
import { createEventSigner } from '../provider/keys/event-signer.js';
import { createRequestObjectRegister } from '../provider/request-objects/create-request-object-register.js';
import { createIdentityServices } from './identity-services.js';
import { type Foundation, protect, type Role } from './role.js';

/** The identity service: people connect their banks, clients read. */
export async function createIdentityRole(foundation: Foundation): Promise<Role> {
  const { configuration, storage, clock, logger, logos } = foundation;
  const { publicUrl, mtlsUrl, lifetimes, institutions } = configuration;
  const directory = await createInstitutionDirectory({ institutions, clock });
  const services = createIdentityServices({
    ...{ configuration, storage, clock, logger, directory, revokeGrant },
    extendGrant: (grantId, end) => extendGrant(storage, grantId, end, lifetimes.revival),
    random: Math.random,
    send: createWebhookSender(foundation.guardedFetch, logger),
    sign: createEventSigner(foundation.signingKeys),
  });
  const { jobs, holdings, redeemGrant } = services;
  const renderProblem = createProblemRenderer('assent');

  return {
    renderProblem,
    jobs,
    holdings,
    redeemGrant,
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
        connect: services.connect,
        directory,
        logoOf: (bankRef) => bankLogoPath(logos.banks, bankRef),
        storage,
        clock,
        logger,
        oneTimeConsent: lifetimes.oneTimeConsent,
        ongoingConsent: lifetimes.ongoingConsent,
        revival: lifetimes.revival,
      });
      const { register } = createRequestObjectRegister({ provider, storage, clock });
      return [
        serveBankIcons(logos.banks, bankIcon),
        createWellKnownLists({ directory, storage, publicUrl }),
        createRequestObjectApi({ register, logger }),
        createApi({
          ...services.api,
          authenticate: protect(foundation, provider),
          origins: [publicUrl, mtlsUrl],
        }),
        answerPageErrors(logger, renderProblem),
        noStore,
        forwardToClient(services.authRequestEnds),
        interactions,
      ];
    },
  };
}
