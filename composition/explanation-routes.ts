import type Router from '@koa/router';
import type { Provider } from 'oidc-provider';
import type { ApiState } from '../api/api-state.js';
import { createExplanationsApi } from '../api/explanations/create-explanations-api.js';
import { type Foundation, protect } from './role.js';

/** Where clients read why their requests were refused, in both roles. */
export function createExplanationRoutes(
  foundation: Foundation & { readonly provider: Provider },
): Router<ApiState> {
  const { configuration, storage, clock, logger, explanations, provider } = foundation;
  return createExplanationsApi({
    ...{ storage, clock, logger, explanations },
    authenticate: protect(foundation, provider),
    origins: [configuration.publicUrl, configuration.mtlsUrl],
  });
}
