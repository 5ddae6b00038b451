import { type Adapter, Provider, type Configuration as ProviderConfiguration } from 'oidc-provider';
import type { UnitOfWork } from '../adapters/oidc/unit-of-work.js';
import type { Configuration } from '../config/schema.js';
import type { ApprovalsService } from '../core/approvals-service.js';
import type { Clock } from '../core/clock.js';
import type { Explanations } from '../core/explanation.js';
import type { Logger } from '../core/logger.js';
import type { Storage } from '../core/storage.js';
import { allowHosts } from '../http/allow-hosts.js';
import type { GuardedFetch } from '../http/guarded-fetch.js';
import { refuseSeveralAuthorizations } from '../http/refuse-several-authorizations.js';
import { securityHeaders } from '../http/security-headers.js';
import { traceRequest } from '../http/trace-id.js';
import { acceptEndpointAudiences } from './accept-endpoint-audiences.js';
import { cacheClients } from './cache-clients.js';
import {
  arrangementClaims,
  createArrangementCheck,
  returnArrangementId,
} from './configuration/arrangements.js';
import { authorizationDetailsFeature } from './configuration/authorization-details.js';
import { backchannelAuthentication } from './configuration/backchannel-authentication.js';
import {
  assertClaimsParameter,
  assertIntentId,
  claimsConfiguration,
} from './configuration/claims.js';
import {
  clientAuthenticationConfiguration,
  senderConstraintFeatures,
} from './configuration/client-authentication.js';
import { discoveryConfiguration } from './configuration/discovery.js';
import { encryptionAlgorithms } from './configuration/encryption.js';
import {
  grantManagementParameters,
  isGrantManagementOffered,
  returnGrantId,
} from './configuration/grant-management.js';
import { interactionConfiguration } from './configuration/interactions.js';
import { introspectionFeature } from './configuration/introspection.js';
import { outgoingConfiguration } from './configuration/outgoing.js';
import { purposeParameter } from './configuration/purpose.js';
import { responseTypesOffered } from './configuration/response-types.js';
import { resourceFeatures, resourceOf, scopesSupported } from './configuration/scopes.js';
import { signOnFeatures } from './configuration/sign-on.js';
import { messageSigningFeatures } from './configuration/signed-messages.js';
import { subjectConfiguration } from './configuration/subjects.js';
import { tokenConfiguration } from './configuration/tokens.js';
import { type RedeemGrant, registerAuthorizationCode } from './grants/authorization-code.js';
import { registerCiba } from './grants/ciba.js';
import { registerClientCredentials } from './grants/client-credentials.js';
import { registerJwtBearer } from './grants/jwt-bearer.js';
import { acceptPreviousSecrets, allowLocalRedirects, serveUserInfoWith } from './internals.js';
import type { EncryptionKeys } from './keys/encryption-keys.js';
import { followKeys } from './keys/follow-keys.js';
import type { SigningKeys } from './keys/signing-keys.js';
import { createFailureReport, reportEvents } from './log-events.js';
import { announceWhatIs } from './middleware/announce-what-is.js';
import { answerErrors } from './middleware/answer-errors.js';
import { assertRecentProof } from './middleware/assert-recent-proof.js';
import { boundRequest } from './middleware/bound-request.js';
import { cacheKeys } from './middleware/cache-keys.js';
import { challengeReplay } from './middleware/challenge-replay.js';
import { commitBeforeResponse } from './middleware/commit-before-response.js';
import { completeBareRequestUri } from './middleware/complete-bare-request-uri.js';
import { decryptRequestObject } from './middleware/decrypt-request-object.js';
import { describeUnderIssuer } from './middleware/describe-under-issuer.js';
import { exactPaths } from './middleware/exact-paths.js';
import { forgetSession } from './middleware/forget-session.js';
import { mergeRequestObject } from './middleware/merge-request-object.js';
import { nameMethods } from './middleware/name-methods.js';
import { refuseForeignLogout } from './middleware/refuse-foreign-logout.js';
import {
  authenticateForRevocation,
  revokeArrangements,
  type WithdrawArrangement,
} from './middleware/revoke-arrangements.js';
import { swapRequestReference } from './middleware/swap-request-reference.js';
import { unpackUnsignedRequestObject } from './middleware/unpack-unsigned-request-object.js';
import type { PairwiseSubject } from './pairwise-subjects.js';
import { createPreviousSecretCheck } from './previous-secret.js';
import { isPkceRequired } from './profiles/is-pkce-required.js';
import { offeredProfiles } from './profiles/offered-profiles.js';
import { profileOf } from './profiles/profiles.js';
import { createErrorRenderer, type ProblemRenderer } from './render-error.js';
import { getPostedRequests } from './sign-on/get-posted-requests.js';
import { includeSid } from './sign-on/include-sid.js';
import { createRememberedVisits } from './sign-on/remembered-visits.js';
import type { SignOn } from './sign-on/sign-on.js';
import { tellInFrames } from './sign-on/tell-in-frames.js';

export interface ProviderDeps {
  readonly configuration: Configuration;
  readonly storage: Storage;
  readonly adapter: (model: string) => Adapter;
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly explanations: Explanations;
  /** Refreshed at least once, so that there are some. */
  readonly signingKeys: SigningKeys;
  readonly encryptionKeys: EncryptionKeys;
  readonly pairwise: PairwiseSubject;
  readonly guardedFetch: GuardedFetch;
  readonly redeemGrant: RedeemGrant;
  /** Where people decide what clients ask behind their backs; without, nobody may ask. */
  readonly approvals?: ApprovalsService | undefined;
  /** What people sign in to applications with; without, the profile `openid-connect` cannot be. */
  readonly signOn?: SignOn | undefined;
  /** Ends what clients of the Consumer Data Right may read; in a role that has accounts of people. */
  readonly withdrawArrangement?: WithdrawArrangement | undefined;
  readonly renderProblem: ProblemRenderer;
}

/**
 * The OpenID Provider, to be mounted at `/oidc`. Composition only: each concern of the library's
 * configuration is a file of `configuration/`, each relaxation or addition a middleware or grant.
 */
export function createProvider(deps: ProviderDeps): Provider {
  const { configuration, storage, unitOfWork, clock, logger, approvals } = deps;
  const { publicUrl, mtlsUrl, role, lifetimes, features, signing } = configuration;
  const resource = resourceOf(configuration);
  const offered = offeredProfiles(configuration);
  const signOn = offered.singleSignOn ? deps.signOn : undefined;
  const assertArrangement = createArrangementCheck({ storage, clock });
  const renderError = createErrorRenderer(deps.renderProblem);
  const interactions = interactionConfiguration(publicUrl);
  const managesGrants = isGrantManagementOffered(configuration);
  const authentication = clientAuthenticationConfiguration({ role, clock, signing, offered });

  const settings: ProviderConfiguration = {
    ...claimsConfiguration({
      ...{ role, storage, signOn, readsAccounts: offered.readsAccounts },
      claims: new Set([...offered.claims, ...(offered.arrangements ? arrangementClaims : [])]),
      contextNames: offered.contextNames,
      describe: deps.signOn?.describe,
    }),
    ...authentication,
    enabledJWA: { ...authentication.enabledJWA, ...encryptionAlgorithms },
    ...discoveryConfiguration(configuration),
    extraParams: {
      ...(managesGrants && grantManagementParameters({ storage, clock })),
      ...(offered.statesPurpose && purposeParameter),
    },
    ...interactions,
    ...responseTypesOffered(configuration, offered),
    ...outgoingConfiguration(deps.guardedFetch, clock),
    ...tokenConfiguration({ role, lifetimes, clock }),
    adapter: deps.adapter,
    jwks: { keys: [...deps.signingKeys.published(), ...deps.encryptionKeys.published()] },
    scopes: scopesSupported(configuration),
    ...subjectConfiguration(role, deps.pairwise),
    acceptQueryParamAccessTokens: false,
    // OpenID Connect Core §3.1.2.1: in every request, also of a client that has only one.
    allowOmittingSingleRegisteredRedirectUri: false,
    pkce: { required: isPkceRequired },
    renderError: (ctx, _out, error) => renderError(ctx, error),
    features: {
      ...senderConstraintFeatures(clock),
      ...resourceFeatures({
        ...{ role, resource, managesGrants, storage },
        resources: configuration.resources,
      }),
      ...authorizationDetailsFeature(configuration, clock),
      claimsParameter: {
        enabled: true,
        async assertClaimsParameter(ctx, claims, client) {
          assertClaimsParameter(ctx, claims);
          if (role === 'bank') assertIntentId(claims);
          await assertArrangement(claims, client);
        },
      },
      ...(approvals && {
        ciba: backchannelAuthentication({ approvals, unitOfWork, clock, resource }),
      }),
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      encryption: { enabled: features.encryption },
      // Every key is one of `keys/signing-key.ts`, wherever its private half is.
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      fapi: { enabled: true, profile: (_ctx, client) => client && profileOf(client).fapi },
      ...introspectionFeature(features.introspection, resource),
      pushedAuthorizationRequests: { enabled: true },
      ...messageSigningFeatures(configuration, clock),
      revocation: {
        enabled: features.revocation,
        allowedPolicy: (_ctx, client, token) => client.clientId === token.clientId,
      },
      rpInitiatedLogout: { enabled: false },
      // The hosted service has none: identity data is in the ID token (identity-service.md §1.3).
      userinfo: { enabled: role === 'bank' },
      jwtUserinfo: { enabled: role === 'bank' },
      ...(signOn && signOnFeatures(signOn)),
    },
    routes: {
      authorization: '/auth',
      backchannel_authentication: '/backchannel',
      end_session: '/session/end',
      introspection: '/token/introspection',
      jwks: '/certs',
      pushed_authorization_request: '/request',
      revocation: '/token/revocation',
      token: '/token',
      userinfo: '/userinfo',
    },
  };

  const provider = new Provider(`${publicUrl}/oidc`, settings);
  cacheClients(provider, storage, clock);
  followKeys(provider, deps.signingKeys, deps.encryptionKeys);
  allowLocalRedirects(provider);
  if (role === 'bank') serveUserInfoWith(provider, resource);
  acceptPreviousSecrets(provider, createPreviousSecretCheck(storage, clock));
  if (role === 'identity-service') {
    registerClientCredentials(provider, storage);
    registerJwtBearer(provider, { storage, clock });
  }
  registerAuthorizationCode(provider, unitOfWork, deps.redeemGrant);
  acceptEndpointAudiences(provider, [publicUrl, mtlsUrl]);
  if (approvals) registerCiba(provider, { storage, clock, unitOfWork });
  if (signOn) includeSid(provider);
  const withdraw = offered.arrangements ? deps.withdrawArrangement : undefined;
  const isRemembered = signOn ? createRememberedVisits(provider) : async () => false;
  const reportFailure = createFailureReport(logger, deps.explanations);
  reportEvents(provider, reportFailure, logger);
  const answerAll = answerErrors((ctx, error) => {
    reportFailure(ctx, error);
    renderError(ctx, error);
  });

  for (const middleware of [
    traceRequest,
    allowHosts([publicUrl, mtlsUrl]),
    securityHeaders(),
    refuseSeveralAuthorizations,
    answerAll,
    exactPaths,
    nameMethods({
      read: ['/certs', '/.well-known/openid-configuration'],
      posted: [
        ...['/token', '/request'],
        ...(approvals ? ['/backchannel'] : []),
        ...(features.introspection ? ['/token/introspection'] : []),
        ...(features.revocation ? ['/token/revocation'] : []),
      ],
      both: [
        '/auth',
        ...(role === 'bank' ? ['/userinfo'] : []),
        ...(signOn ? ['/session/end'] : []),
      ],
    }),
    describeUnderIssuer(publicUrl),
    announceWhatIs(offered),
    ...(role === 'bank' ? [challengeReplay] : []),
    forgetSession(interactions.cookies.names.session, isRemembered),
    ...(withdraw ? [revokeArrangements(withdraw)] : []),
    // Also in here, so that what stands around it sees an error's answer as any other.
    answerAll,
    commitBeforeResponse(unitOfWork),
    cacheKeys([deps.signingKeys, deps.encryptionKeys], signing.publishBefore),
    boundRequest,
    assertRecentProof(clock),
    ...(withdraw ? [authenticateForRevocation] : []),
    ...(signOn
      ? [getPostedRequests(publicUrl), refuseForeignLogout(publicUrl), tellInFrames(signOn.pages)]
      : []),
    decryptRequestObject(deps.encryptionKeys.decrypting),
    completeBareRequestUri(provider),
    swapRequestReference(storage),
    mergeRequestObject(provider),
    unpackUnsignedRequestObject(provider),
    ...(managesGrants ? [returnGrantId(storage)] : []),
    ...(offered.arrangements ? [returnArrangementId] : []),
  ]) {
    provider.use(middleware);
  }
  return provider;
}
