import type { Provider } from 'oidc-provider';
import type { GrantReader } from '../core/grant-management.js';
import { openidScopes } from '../core/scopes.js';

/** Reads the provider's Grants for those who may know what is in them. */
export function createGrantReader(provider: Provider): GrantReader {
  return {
    async read(grantId) {
      const grant = await provider.Grant.find(grantId);
      if (!grant) return undefined;
      const own = grant.getOIDCScope();
      return {
        scopes: [
          ...(own === '' ? [] : [{ scope: own }]),
          ...Object.entries(grant.resources ?? {})
            .map(([resource, scope]) => ({ scope: withoutOpenid(scope), resource: [resource] }))
            .filter(({ scope }) => scope !== ''),
        ],
        claims: grant.getOIDCClaims(),
        authorizationDetails: grant.rar ?? [],
      };
    },
  };
}

/** Which stands beside the resources, also where one of them has UserInfo. */
function withoutOpenid(scopes: string): string {
  return scopes
    .split(' ')
    .filter((scope) => !openidScopes.includes(scope))
    .join(' ');
}
