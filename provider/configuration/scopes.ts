import { type Client, errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { Configuration, ResourceConfiguration } from '../../config/schema.js';
import { signOnScopes } from '../../core/person-claims.js';
import {
  assertAuthorizationScopes,
  bankScopes,
  isScopeAllowed,
  openidScopes,
  supportedScopes,
} from '../../core/scopes.js';
import { consumerDataScopes } from '../../core/sharing-arrangement.js';
import type { Storage } from '../../core/storage.js';
import { asksAsOperator } from '../operator-scopes.js';
import { offeredProfiles } from '../profiles/offered-profiles.js';
import { profileOf, remembersPeople } from '../profiles/profiles.js';
import { enforce } from '../to-protocol-error.js';
import { isGrantManagementOffered } from './grant-management.js';
import { assertRedeemable } from './response-types.js';

/** Of the client's own tokens, for its grants (Grant Management for OAuth 2.0, §6.1). */
const managementScopes = ['grant_management_query', 'grant_management_revoke'];

const authorizationRoutes = new Set(['authorization', 'pushed_authorization_request']);

interface ScopePolicy {
  readonly role: Configuration['role'];
  /** Our own API, which tokens are for where nothing else is named; its identifier in grants. */
  readonly resource: string;
  /** Those that the bank protects itself. */
  readonly resources: readonly ResourceConfiguration[];
  /** Whether clients may manage grants with tokens of their own. */
  readonly managesGrants: boolean;
  readonly storage: Pick<Storage, 'get'>;
}

/** The identifier of our own API, which access tokens are for by default (RFC 8707). */
export function resourceOf({ publicUrl }: Configuration): string {
  return `${publicUrl}/`;
}

/** Every scope there is, for `scopes_supported` and for the `scope` of client metadata. */
export function scopesSupported(configuration: Configuration): readonly string[] {
  const { role, institutions, resources } = configuration;
  if (role === 'bank') {
    const { singleSignOn, arrangements, readsAccounts } = offeredProfiles(configuration);
    const ofPeople = singleSignOn ? signOnScopes : [];
    if (!readsAccounts) return [...new Set([...openidScopes, ...ofPeople])];
    const management = isGrantManagementOffered(configuration) ? managementScopes : [];
    const others = resources.flatMap(({ scopes }) => Object.keys(scopes));
    const own = arrangements ? [...bankScopes, ...consumerDataScopes] : bankScopes;
    return [...new Set([...openidScopes, ...ofPeople, ...own, ...management, ...others])];
  }
  return [...supportedScopes, ...institutions.map(({ id }) => `id:${id}`)];
}

/**
 * All but `openid` and `offline_access` are scopes of a resource: they are narrowed to the grant and stand
 * in access tokens for it, and what may be asked together is checked where it is resolved.
 */
export function resourceFeatures(policy: ScopePolicy) {
  const { role, resource, resources, managesGrants, storage } = policy;
  return {
    resourceIndicators: {
      enabled: true,
      // Of several that were granted, a token request that names none gets one (RFC 8707 §2.2).
      defaultResource: (_ctx: KoaContextWithOIDC, client: Client, granted?: readonly string[]) => {
        // Tokens of those who only learn who somebody is are for UserInfo.
        if (remembersPeople(client)) return '';
        const isOwn = granted === undefined || granted.includes(resource);
        return isOwn ? resource : (granted[0] ?? resource);
      },
      useGrantedResource: () => true,
      async getResourceServerInfo(
        ctx: KoaContextWithOIDC,
        indicator: string,
      ): Promise<ResourceServer> {
        assertAudience(ctx.oidc.client, indicator);
        if (remembersPeople(ctx.oidc.client)) throw new errors.InvalidTarget();
        const other = resources.find(({ identifier }) => identifier === indicator);
        if (other) {
          const scope = Object.keys(other.scopes).join(' ');
          return { scope, audience: indicator, accessTokenFormat: 'opaque' };
        }
        if (indicator !== resource) throw new errors.InvalidTarget();
        const requested = requestedScopes(ctx);
        const target = { audience: resource, accessTokenFormat: 'opaque' } as const;
        if (await asksAsOperator(storage, ctx, requested)) {
          return { ...target, scope: requested.join(' ') };
        }
        if (role === 'identity-service' && authorizationRoutes.has(ctx.oidc.route)) {
          enforce(() => assertAuthorizationScopes(requested, registeredScope(ctx.oidc.client)));
          assertRedeemable(ctx, requested);
        }
        const scopes =
          role === 'bank'
            ? scopesAtBank(ctx, managesGrants)
            : requested.filter((scope) => isOfResource(ctx, scope));
        return { ...target, scope: scopes.join(' ') };
      },
    },
  };
}

/** No person is asked for what clients do by themselves. */
function scopesAtBank({ oidc }: KoaContextWithOIDC, managesGrants: boolean): readonly string[] {
  if (oidc.params?.grant_type !== 'client_credentials') {
    return oidc.client && profileOf(oidc.client).arrangements
      ? [...bankScopes, ...consumerDataScopes]
      : bankScopes;
  }
  const own = bankScopes.filter((scope) => !openidScopes.includes(scope));
  return managesGrants ? [...own, ...managementScopes] : own;
}

/** What was registered for a client later on narrows what its refresh tokens still give. */
function isOfResource({ oidc }: KoaContextWithOIDC, scope: string): boolean {
  return !openidScopes.includes(scope) && isScopeAllowed(scope, registeredScope(oidc.client));
}

/** @throws {errors.InvalidTarget} where a client is registered for certain resources, and not for this. */
function assertAudience(client: Client | undefined, indicator: string): void {
  const audience = client?.audience;
  if (Array.isArray(audience) && !audience.includes(indicator)) throw new errors.InvalidTarget();
}

/** What a client of the identity service may ask for; undefined where it is not limited. */
export function registeredScope(client: Client | undefined): string | undefined {
  const scope = client?.registered_scope;
  return typeof scope === 'string' ? scope : undefined;
}

/** The scopes at hand: of the request, or of the code or refresh token that is being redeemed. */
function requestedScopes({ oidc }: KoaContextWithOIDC): string[] {
  const { AuthorizationCode: code, RefreshToken: refreshToken } = oidc.entities;
  const scope = oidc.params?.scope ?? code?.scope ?? refreshToken?.scope;
  return typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [];
}
