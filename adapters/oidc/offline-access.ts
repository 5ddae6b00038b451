import type { Clock } from '../../core/clock.js';
import { findAll } from '../../core/find-all.js';
import type { OfflineAccess, OfflineAccessService } from '../../core/offline-access.js';
import type { Storage } from '../../core/storage.js';
import { type OfflineGrant, readOfflineGrant } from './offline-grant.js';
import { oidcCollections } from './oidc-collections.js';
import { revokeGrant } from './revoke-grant.js';

interface OfflineAccessDeps {
  readonly storage: Storage;
  readonly clock: Clock;
}

/** See {@link OfflineAccessService}. Each browser that a person signs in with has a Grant of its own. */
export function createOfflineAccess({ storage, clock }: OfflineAccessDeps): OfflineAccessService {
  async function grantsOf(accountId: string) {
    const query = { index: 'offlineAccountId', equals: accountId };
    const found = await findAll(storage, oidcCollections.Grant, query);
    return found.flatMap(({ id, value }) => {
      const grant = readOfflineGrant(value);
      return grant && grant.exp * 1000 > clock.now() ? [{ id, grant }] : [];
    });
  }

  return {
    async inForce(accountId) {
      const grants = (await grantsOf(accountId)).map(({ grant }) => grant);
      return [...Map.groupBy(grants, ({ clientId }) => clientId)]
        .map(([clientId, ofClient]) => summarise(clientId, ofClient))
        .sort((one, other) => other.since.getTime() - one.since.getTime());
    },

    async end(accountId, clientId) {
      const grants = await grantsOf(accountId);
      const ended = grants.filter(({ grant }) => grant.clientId === clientId);
      await storage.commit(ended.flatMap(({ id }) => revokeGrant(id)));
      return ended.length > 0;
    },
  };
}

function summarise(clientId: string, grants: readonly OfflineGrant[]): OfflineAccess {
  return {
    clientId,
    since: new Date(Math.min(...grants.map(({ iat }) => iat)) * 1000),
    until: new Date(Math.max(...grants.map(({ exp }) => exp)) * 1000),
    scopes: [...new Set(grants.flatMap(({ openid }) => openid.scope.split(' ')))],
    claims: [...new Set(grants.flatMap(({ openid }) => openid.claims))],
  };
}
