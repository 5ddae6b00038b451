import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { Configuration } from '../../config/schema.js';
import { assertAuthorizationScopes, supportedScopes } from '../../core/scopes.js';
import { enforce } from '../to-protocol-error.js';

/** Scopes of the bank role: UK Open Banking account information. */
const bankScopes = ['accounts'];
const openidScopes = ['openid', 'offline_access'];

const authorizationRoutes = new Set(['authorization', 'pushed_authorization_request']);

interface ScopePolicy {
  readonly role: Configuration['role'];
  /** The one API that tokens are for; its identifier in grants. */
  readonly resource: string;
}

/** What `scopes_supported` says; `id:<bank>` works for every institution without being listed. */
export function scopesSupported(role: Configuration['role']): readonly string[] {
  return role === 'bank' ? [...openidScopes, ...bankScopes] : supportedScopes;
}

/**
 * All but `openid` and `offline_access` are scopes of one resource: the library has no patterns for
 * scopes, and this way `id:<bank>` needs no list (oidc-provider.md §1.2 "Dynamic scopes").
 */
export function resourceFeatures({ role, resource }: ScopePolicy) {
  return {
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo(ctx: KoaContextWithOIDC, indicator: string): ResourceServer {
        if (indicator !== resource) throw new errors.InvalidTarget();
        const requested = requestedScopes(ctx);
        if (role === 'identity-service' && authorizationRoutes.has(ctx.oidc.route)) {
          enforce(() => assertAuthorizationScopes(requested, ctx.oidc.client?.scope));
        }
        const scopes =
          role === 'bank' ? bankScopes : requested.filter((scope) => !openidScopes.includes(scope));
        return { scope: scopes.join(' '), audience: resource, accessTokenFormat: 'opaque' };
      },
    },
  };
}

/** The scopes at hand: of the request, or of the code or refresh token that is being redeemed. */
function requestedScopes({ oidc }: KoaContextWithOIDC): string[] {
  const { AuthorizationCode: code, RefreshToken: refreshToken } = oidc.entities;
  const scope = oidc.params?.scope ?? code?.scope ?? refreshToken?.scope;
  return typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [];
}
