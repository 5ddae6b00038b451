import Router from '@koa/router';
import type { Middleware } from 'koa';
import type { AccountReader } from '../core/account-reader.js';
import type { AuthRequestsService } from '../core/auth-requests-service.js';
import type { ExtendByClient } from '../core/client-extension.js';
import type { Clock } from '../core/clock.js';
import type { ConnectionsService } from '../core/connections-service.js';
import type { ConsentHistory } from '../core/consent-history.js';
import type { Logger } from '../core/logger.js';
import type { RequestSync } from '../core/request-sync.js';
import type { ScimUsers } from '../core/scim-users.js';
import type { Storage } from '../core/storage.js';
import type { SyncsService } from '../core/syncs-service.js';
import type { TransactionReader } from '../core/transaction-reader.js';
import type { UsersService } from '../core/users-service.js';
import type { WebhookDeliveriesService } from '../core/webhook-deliveries-service.js';
import { noStore } from '../http/security-headers.js';
import { createAccountOperations } from './accounts/account-operations.js';
import { createAuthRequestOperations } from './auth-requests/auth-request-operations.js';
import { createConnectionOperations } from './connections/connection-operations.js';
import { createExtendConnectionOperation } from './connections/extend-connection-operation.js';
import { createValidityOperation } from './connections/validity-operation.js';
import { createConsentHistoryOperation } from './consent-history/consent-history-operation.js';
import { explanationDescriptions } from './explanations/explanation-operations.js';
import { createAnswerOnce } from './idempotency/answer-once.js';
import { answerErrors } from './middleware/answer-errors.js';
import { describeApi } from './openapi/describe-api.js';
import { requestObjectDescription } from './request-objects/create-request-object-api.js';
import { createScimOperations } from './scim/scim-operations.js';
import { refuseUnmatched, serveOperations, toRoute } from './serve-operations.js';
import { createRequestSyncOperation } from './syncs/request-sync-operation.js';
import { createSyncOperations } from './syncs/sync-operations.js';
import { createTransactionOperations } from './transactions/transaction-operations.js';
import { answerUnimplemented } from './unimplemented/answer-unimplemented.js';
import { unimplementedCalls } from './unimplemented/unimplemented-calls.js';
import { createUserOperations } from './users/user-operations.js';
import { createWebhookOperations } from './webhooks/webhook-operations.js';
import { wellKnownListDescriptions } from './well-known/create-well-known-lists.js';

export interface ApiDeps {
  readonly users: UsersService;
  readonly scimUsers: ScimUsers;
  readonly authRequests: AuthRequestsService;
  readonly consentHistory: ConsentHistory;
  readonly connections: ConnectionsService;
  readonly extendByClient: ExtendByClient;
  readonly accounts: AccountReader;
  readonly transactions: TransactionReader;
  readonly syncs: SyncsService;
  readonly requestSync: RequestSync;
  readonly webhookDeliveries: WebhookDeliveriesService;
  /** Leaves the facts of the request's token in `ctx.state.token`, its sender constraint met. */
  readonly authenticate: Middleware;
  /** Where the answers to repeated requests are remembered; the collection is `rememberedAnswers`. */
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The origins clients call: `https://host[:port]`, the public one first. */
  readonly origins: readonly [string, ...string[]];
}

/**
 * The REST API of the identity service: users and connections at the root, data under `/v3`, and the
 * description of both at `/openapi.json`.
 */
export function createApi(deps: ApiDeps): Router {
  const operations = [
    ...createUserOperations(deps.users),
    ...createScimOperations(deps.scimUsers),
    ...createConnectionOperations(deps),
    createConsentHistoryOperation(deps.consentHistory),
    ...createAuthRequestOperations({
      ...deps,
      returnUrl: `${deps.origins[0]}/bank/callback`,
    }),
    createExtendConnectionOperation(deps.extendByClient),
    createValidityOperation(deps),
    ...createAccountOperations(deps.accounts),
    ...createTransactionOperations(deps.transactions),
    ...createSyncOperations(deps.syncs),
    createRequestSyncOperation(deps),
    ...createWebhookOperations(deps.webhookDeliveries),
  ];
  const ownPaths = pathsBelow([...operations, ...unimplementedCalls]);
  const description = describeApi(
    [
      ...operations,
      ...wellKnownListDescriptions,
      requestObjectDescription,
      ...explanationDescriptions,
    ],
    deps,
  );
  // Exactly the paths there are: a client that normalises `/users/{id}/connections/..` must not delete the user.
  const router = new Router({ strict: true, sensitive: true });
  // Data of one person is kept by no cache.
  router.use(noStore, answerErrors(deps.logger));
  router.get('/openapi.json', (ctx) => {
    ctx.body = description;
  });
  serveOperations(router, operations, {
    origins: deps.origins,
    guards: [deps.authenticate],
    answerOnce: createAnswerOnce(deps),
  });
  for (const call of unimplementedCalls) {
    const guards = call.scopes.length > 0 ? [deps.authenticate] : [];
    const answer = [...guards, answerUnimplemented(call)];
    router.register(toRoute(call.path), [call.method], answer);
  }
  router.all(ownPaths, (ctx) => refuseUnmatched(router, ctx, ownPaths));
  return router;
}

/** Everything below the first segments of the calls is answered here, errors included. */
function pathsBelow(calls: readonly { readonly path: string }[]): RegExp {
  const roots = new Set(calls.map(({ path }) => path.split('/')[1]));
  return new RegExp(`^/(?:(?:${[...roots].join('|')})(?:/.*)?|openapi\\.json)$`);
}
