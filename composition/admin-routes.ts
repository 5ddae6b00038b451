import type Router from '@koa/router';
import type { Provider } from 'oidc-provider';
import { createAdminApi } from '../api/admin/create-admin-api.js';
import type { ApiState } from '../api/api-state.js';
import type { ClientHoldings } from '../core/client-holdings.js';
import type { ClientRules } from '../core/client-rules.js';
import { createAdministration } from './administration.js';
import { type Foundation, protect } from './role.js';

interface AdminRoutesDeps extends Foundation {
  readonly provider: Provider;
  readonly rules: ClientRules;
  readonly holdings: ClientHoldings;
}

/** The Admin API, which both roles have. */
export function createAdminRoutes(deps: AdminRoutesDeps): Router<ApiState> {
  const { configuration, storage, clock, logger, explanations, rules, provider } = deps;
  const administration = createAdministration(deps);
  return createAdminApi({
    ...administration,
    ...{ rules, storage, clock, logger, explanations },
    secretOverlap: configuration.lifetimes.secretOverlap,
    authenticate: protect(deps, provider),
    origins: [configuration.publicUrl, configuration.mtlsUrl],
  });
}
