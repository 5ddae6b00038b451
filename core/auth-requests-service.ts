import { type AuthRequest, authRequests, readAuthRequest } from './auth-request.js';
import type { Clock } from './clock.js';
import type { AuthRequestEnds } from './complete-auth-request.js';
import type { CreateAuthRequest } from './create-auth-request.js';
import { findPage } from './find-page.js';
import { Refusal } from './refusal.js';
import type { Storage } from './storage.js';

/** The auth requests of a client (identity-service.md §1.7), kept for 90 days. */
export interface AuthRequestsService extends Pick<AuthRequestEnds, 'complete'> {
  readonly create: CreateAuthRequest;
  /** Newest first. */
  list(
    clientId: string,
    page: { readonly limit: number; readonly offset: number },
  ): Promise<{ readonly authRequests: readonly AuthRequest[]; readonly total: number }>;
  /** @throws {Refusal} `not_found`, also for another client's. */
  get(clientId: string, id: string): Promise<AuthRequest>;
}

interface AuthRequestsServiceDeps extends Pick<AuthRequestsService, 'create' | 'complete'> {
  readonly storage: Storage;
  readonly clock: Clock;
}

/** See {@link AuthRequestsService}. */
export function createAuthRequestsService(deps: AuthRequestsServiceDeps): AuthRequestsService {
  const { storage, clock, create, complete } = deps;
  return {
    create,
    complete,

    async list(clientId, page) {
      const query = { index: 'client', equals: clientId, order: 'descending' } as const;
      const { values, total } = await findPage(storage, authRequests, query, page);
      return { authRequests: values.map((each) => readAuthRequest(each, clock.now())), total };
    },

    async get(clientId, id) {
      const stored = await storage.get(authRequests, id);
      if (stored?.value.clientId !== clientId) {
        throw new Refusal('not_found', 'There is no such auth request');
      }
      return readAuthRequest(stored.value, clock.now());
    },
  };
}
