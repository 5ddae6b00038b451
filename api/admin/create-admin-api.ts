import Router from '@koa/router';
import type { Middleware } from 'koa';
import type { ClientConfiguration } from '../../core/client-configuration.js';
import type { Explanations } from '../../core/explanation.js';
import type { Logger } from '../../core/logger.js';
import type { Storage } from '../../core/storage.js';
import { noStore } from '../../http/security-headers.js';
import { createExplanationAdministration } from '../explanations/explanation-operations.js';
import { createAnswerOnce } from '../idempotency/answer-once.js';
import { answerErrors } from '../middleware/answer-errors.js';
import { describeApi } from '../openapi/describe-api.js';
import { refuseUnmatched, serveOperations } from '../serve-operations.js';
import { type ClientOperationsDeps, createClientOperations } from './client-operations.js';
import { createConfigurationOperations } from './configuration-operations.js';
import { createKeyOperations, type KeyOperationsDeps } from './key-operations.js';
import {
  createRegistrationTokenOperations,
  type RegistrationTokenOperationsDeps,
} from './registration-token-operations.js';
import { requireOperator } from './require-operator.js';

export interface AdminApiDeps
  extends ClientOperationsDeps,
    RegistrationTokenOperationsDeps,
    KeyOperationsDeps {
  readonly storage: Storage;
  readonly configuration: ClientConfiguration;
  readonly explanations: Explanations;
  /** Leaves the facts of the request's token in `ctx.state.token`, its sender constraint met. */
  readonly authenticate: Middleware;
  readonly logger: Logger;
  /** The origins clients call: `https://host[:port]`, the public one first. */
  readonly origins: readonly [string, ...string[]];
}

const ownPaths = /^\/admin(?:\/.*)?$/;

/** What operators do, in both roles: `/admin/v1`, described at `/admin/v1/openapi.json`. */
export function createAdminApi(deps: AdminApiDeps): Router {
  const operations = [
    ...createClientOperations(deps),
    ...createConfigurationOperations(deps.configuration),
    ...createRegistrationTokenOperations(deps),
    ...createKeyOperations(deps),
    ...createExplanationAdministration(deps.explanations),
  ];
  const description = describeApi(operations, { ...deps, title: 'Assent: administration' });
  const router = new Router();
  router.use(noStore, answerErrors(deps.logger));
  router.get('/admin/v1/openapi.json', (ctx) => {
    ctx.body = description;
  });
  serveOperations(router, operations, {
    origins: deps.origins,
    guards: [deps.authenticate, requireOperator(deps.storage)],
    answerOnce: createAnswerOnce(deps),
  });
  router.all(ownPaths, (ctx) => refuseUnmatched(router, ctx, ownPaths));
  return router;
}
