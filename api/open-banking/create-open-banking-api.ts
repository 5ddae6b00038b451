import Router from '@koa/router';
import type { Middleware } from 'koa';
import type { Logger } from '../../core/logger.js';
import { noStore } from '../../http/security-headers.js';
import { requireScope } from '../middleware/require-scope.js';
import { type AccountRouteDeps, addAccountRoutes } from './account-routes.js';
import { addIntentRoutes, type IntentRouteDeps } from './intent-routes.js';
import { ObieError, renderObieErrors } from './obie-error.js';

export interface OpenBankingApiDeps extends IntentRouteDeps, AccountRouteDeps {
  /** Leaves the facts of the request's token in `ctx.state.token`, its sender constraint met. */
  readonly authenticate: Middleware;
  readonly logger: Logger;
}

/** Where the API is, below the bank's URL. */
export const accountInformationPath = '/open-banking/v3.1/aisp';

/**
 * The account information API of a bank: UK Open Banking v3.1 consents and resources. Everything
 * under {@link accountInformationPath} is answered here, errors included.
 */
export function createOpenBankingApi(deps: OpenBankingApiDeps): Router {
  const router = new Router({ prefix: accountInformationPath });
  router.use(renderObieErrors(deps.logger));
  router.use(noStore);
  router.use(deps.authenticate);
  router.use(requireScope('accounts'));
  addIntentRoutes(router, deps);
  addAccountRoutes(router, deps);
  router.all('{/*path}', (ctx) => {
    const isKnown = router.match(ctx.path, 'GET').path.length > 1;
    throw new ObieError(isKnown ? 405 : 404, {
      code: 'UK.OBIE.Resource.NotFound',
      message: isKnown ? 'This method is not offered here' : 'There is no such resource',
    });
  });
  return router;
}
