import type { Provider } from 'oidc-provider';
import type { GrantReader } from '../core/grant-management.js';

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
            .filter(([, scope]) => scope !== '')
            .map(([resource, scope]) => ({ scope, resource: [resource] })),
        ],
        claims: grant.getOIDCClaims(),
        authorizationDetails: grant.rar ?? [],
      };
    },
  };
}
