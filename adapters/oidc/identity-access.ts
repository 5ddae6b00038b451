import type { Clock } from '../../core/clock.js';
import { findAll } from '../../core/find-all.js';
import type { IdentityAccess, IdentityAccessService } from '../../core/identity-access.js';
import type { Storage } from '../../core/storage.js';
import { type IdentityGrant, isOffline, readIdentityGrant } from './identity-grant.js';
import { oidcCollections } from './oidc-collections.js';
import { revokeGrant } from './revoke-grant.js';

interface IdentityAccessDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  /** Whether what a client may ask ends with the person's session, but for `offline_access`. */
  readonly endsWithSession: (clientId: string) => Promise<boolean>;
}

/** See {@link IdentityAccessService}. Each visit, or browser that signs in, has a Grant of its own. */
export function createIdentityAccess(deps: IdentityAccessDeps): IdentityAccessService {
  const { storage, clock, endsWithSession } = deps;

  async function grantsOf(accountId: string) {
    const query = { index: 'identityAccountId', equals: accountId };
    const found = await findAll(storage, oidcCollections.Grant, query);
    return found.flatMap(({ id, value }) => {
      const grant = readIdentityGrant(value);
      return grant && grant.exp * 1000 > clock.now() ? [{ id, grant }] : [];
    });
  }

  return {
    async inForce(accountId) {
      const grants = (await grantsOf(accountId)).map(({ grant }) => grant);
      const lasting = await Promise.all(
        [...Map.groupBy(grants, ({ clientId }) => clientId)].map(async ([clientId, ofClient]) => {
          const kept = (await endsWithSession(clientId)) ? ofClient.filter(isOffline) : ofClient;
          return kept.length === 0 ? [] : [summarise(clientId, kept)];
        }),
      );
      return lasting.flat().sort((one, other) => other.since.getTime() - one.since.getTime());
    },

    async end(accountId, clientId) {
      const grants = await grantsOf(accountId);
      const ended = grants.filter(({ grant }) => grant.clientId === clientId);
      await storage.commit(ended.flatMap(({ id }) => revokeGrant(id)));
      return ended.length > 0;
    },
  };
}

function summarise(clientId: string, grants: readonly IdentityGrant[]): IdentityAccess {
  return {
    clientId,
    since: new Date(Math.min(...grants.map(({ iat }) => iat)) * 1000),
    until: new Date(Math.max(...grants.map(({ exp }) => exp)) * 1000),
    scopes: [...new Set(grants.flatMap(({ openid }) => openid.scope.split(' ')))],
    claims: [...new Set(grants.flatMap(({ openid }) => openid.claims))],
  };
}
