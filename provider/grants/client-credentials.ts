import { errors, type Provider } from 'oidc-provider';
import { isOperatorScope } from '../../core/clients.js';
import { assertClientCredentialsScopes } from '../../core/scopes.js';
import type { Storage } from '../../core/storage.js';
import { users } from '../../core/user.js';
import { registeredScope } from '../configuration/scopes.js';
import { builtInGrant } from '../internals.js';
import { enforce } from '../to-protocol-error.js';

/**
 * `client_credentials` as the identity service has it: `sub` names the person whose data the token
 * reads, and must be a user of this client (identity-service.md §2.1).
 */
export function registerClientCredentials(provider: Provider, storage: Storage): void {
  const { parameters, handle } = builtInGrant(provider, 'client_credentials');

  provider.registerGrantType(
    'client_credentials',
    async function clientCredentials(ctx) {
      const { sub, scope } = ctx.oidc.params;
      const scopes = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [];
      // Who may have an operator's scope is decided where it is resolved.
      if (sub !== undefined || !scopes.some(isOperatorScope)) {
        enforce(() =>
          assertClientCredentialsScopes(
            scopes,
            registeredScope(ctx.oidc.client),
            sub !== undefined,
          ),
        );
      }
      if (sub !== undefined) {
        const user = await storage.get(users, String(sub));
        // Another client's user and no user at all look the same.
        if (user?.value.clientId !== ctx.oidc.client.clientId) {
          throw new errors.InvalidRequest('sub is not a user of this client');
        }
      }
      await handle(ctx);
    },
    [...parameters, 'sub', 'resource'],
  );
}
