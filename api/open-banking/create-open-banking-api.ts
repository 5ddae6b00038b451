import Router from '@koa/router';
import type { Middleware } from 'koa';
import type { Logger } from '../../core/logger.js';
import { noStore } from '../../http/security-headers.js';
import { type AccountRouteDeps, addAccountRoutes } from './account-routes.js';
import { addIntentRoutes, type IntentRouteDeps } from './intent-routes.js';
import { ObieError, renderObieErrors } from './obie-error.js';
import { requireAccountAccess } from './require-account-access.js';

export interface OpenBankingApiDeps extends IntentRouteDeps, AccountRouteDeps {
  /** Leaves the facts of the request's token in `ctx.state.token`, its sender constraint met. */
  readonly authenticate: Middleware;
  readonly logger: Logger;
}

/** Where the API is, below the bank's URL. */
export const accountInformationPath = '/open-banking/v3.1/aisp';

/** The name of the route for everything that no other route answers. */
const unknown = 'unknown';

/**
 * The account information API of a bank: UK Open Banking v3.1 consents and resources. Everything
 * under {@link accountInformationPath} is answered here, errors included.
 */
export function createOpenBankingApi(deps: OpenBankingApiDeps): Router {
  const router = new Router({ prefix: accountInformationPath });
  router.use(renderObieErrors(deps.logger));
  router.use(noStore);
  router.use(deps.authenticate);
  router.use(requireAccountAccess);
  addIntentRoutes(router, deps);
  addAccountRoutes(router, deps);
  router.all(unknown, '{/*path}', (ctx) => {
    const offered = router
      .match(ctx.path, ctx.method)
      .path.filter(({ name }) => name !== unknown)
      .flatMap(({ methods }) => methods);
    if (offered.length > 0) ctx.set('allow', offered.join(', '));
    throw new ObieError(offered.length > 0 ? 405 : 404, {
      code: 'UK.OBIE.Resource.NotFound',
      message: offered.length > 0 ? 'This method is not offered here' : 'There is no such resource',
    });
  });
  return router;
}
