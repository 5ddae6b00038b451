import type { Context, Middleware, Next } from 'koa';
import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Configuration } from '../../config/schema.js';
import type { Clock } from '../../core/clock.js';
import { findWishFault, readGrantWish } from '../../core/grant-management.js';
import { intents, isGrantOf } from '../../core/intent.js';
import type { Storage } from '../../core/storage.js';
import { offeredProfiles } from '../profiles/offered-profiles.js';

interface GrantManagementDeps {
  readonly storage: Pick<Storage, 'get'>;
  readonly clock: Clock;
}

/** Whether clients of this installation manage their grants: those of a bank, which are its intents. */
export function isGrantManagementOffered(configuration: Configuration): boolean {
  const { role, features } = configuration;
  return (
    role === 'bank' && features.grantManagement && offeredProfiles(configuration).readsAccounts
  );
}

/**
 * `grant_id` and `grant_management_action` of authorization requests (Grant Management for OAuth 2.0,
 * §5). Whose person's grant it is shows when they have signed in: `interactions/bank/asked.ts`.
 */
export function grantManagementParameters({ storage, clock }: GrantManagementDeps) {
  return {
    grant_id: null,
    // Called for every request, whether or not it has the parameter: it answers for both.
    async grant_management_action(ctx: KoaContextWithOIDC, _value: unknown, client: Client) {
      const params = ctx.oidc.params ?? {};
      const fault = findWishFault(params);
      if (fault !== undefined) throw new errors.InvalidRequest(fault);
      const wish = readGrantWish(params);
      if (!wish) return;
      if (ctx.oidc.route === 'backchannel_authentication') {
        throw new errors.InvalidRequest('grants are managed on the pages of the bank');
      }
      if (!('grantId' in wish)) return;
      const grant = await storage.get(intents, wish.grantId);
      if (!grant || !isGrantOf(grant.value, client.clientId, clock.now())) {
        const description = 'grant_id does not name a grant of this client';
        throw new errors.CustomOIDCProviderError('invalid_grant_id', description);
      }
    },
  };
}

/** Tells the id of its grant with the tokens, where the client has asked for it (§5.5). */
export function returnGrantId(storage: Pick<Storage, 'get'>): Middleware {
  return async function addGrantId(ctx: Context, next: Next) {
    await next();
    if (ctx.oidc?.route !== 'token' || ctx.status !== 200) return;
    const { Grant } = (ctx as KoaContextWithOIDC).oidc.entities;
    const intent = Grant && (await storage.get(intents, Grant.jti));
    if (intent?.value.isManaged) ctx.body = { ...Object(ctx.body), grant_id: intent.id };
  };
}
