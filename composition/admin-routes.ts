import type Router from '@koa/router';
import type { Provider } from 'oidc-provider';
import { createAdminApi } from '../api/admin/create-admin-api.js';
import type { ApiState } from '../api/api-state.js';
import type { ClientHoldings } from '../core/client-holdings.js';
import type { ClientRules } from '../core/client-rules.js';
import type { KeyAdministration } from '../core/key-administration.js';
import { createAdministration } from './administration.js';
import { openInitialAccessTokens } from './registration-routes.js';
import { type Foundation, protect } from './role.js';

interface AdminRoutesDeps extends Foundation {
  readonly provider: Provider;
  readonly rules: ClientRules;
  readonly holdings: ClientHoldings;
  readonly keys: KeyAdministration;
}

/** The Admin API, which both roles have. */
export function createAdminRoutes(deps: AdminRoutesDeps): Router<ApiState> {
  const { configuration, storage, clock, logger, explanations, rules, keys, provider } = deps;
  const administration = createAdministration(deps);
  return createAdminApi({
    ...administration,
    ...{ rules, keys, storage, clock, logger, explanations },
    registrationTokens: openInitialAccessTokens(deps),
    secretOverlap: configuration.lifetimes.secretOverlap,
    authenticate: protect(deps, provider),
    origins: [configuration.publicUrl, configuration.mtlsUrl],
  });
}
