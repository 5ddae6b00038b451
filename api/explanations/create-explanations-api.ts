import Router from '@koa/router';
import type { Middleware } from 'koa';
import type { Clock } from '../../core/clock.js';
import type { Explanations } from '../../core/explanation.js';
import type { Logger } from '../../core/logger.js';
import type { Storage } from '../../core/storage.js';
import { noStore } from '../../http/security-headers.js';
import { createAnswerOnce } from '../idempotency/answer-once.js';
import { answerErrors } from '../middleware/answer-errors.js';
import { refuseUnmatched, serveOperations } from '../serve-operations.js';
import { createExplanationOperations } from './explanation-operations.js';

interface ExplanationsApiDeps {
  /** Leaves the facts of the request's token in `ctx.state.token`, its sender constraint met. */
  readonly authenticate: Middleware;
  readonly explanations: Explanations;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The origins clients call: `https://host[:port]`, the public one first. */
  readonly origins: readonly [string, ...string[]];
}

const ownPaths = /^\/explanations(?:\/.*)?$/;

/** `/explanations`, in both roles. */
export function createExplanationsApi(deps: ExplanationsApiDeps): Router {
  const router = new Router();
  router.use(noStore, answerErrors(deps.logger));
  serveOperations(router, createExplanationOperations(deps.explanations), {
    origins: deps.origins,
    guards: [deps.authenticate],
    answerOnce: createAnswerOnce(deps),
  });
  router.all(ownPaths, (ctx) => refuseUnmatched(router, ctx, ownPaths));
  return router;
}
