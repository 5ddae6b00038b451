import type { AccessToken, ClientCredentials, Provider } from 'oidc-provider';
import type { AccessTokenFacts, AccessTokenReader } from '../core/access-token.js';
import { isOwnerServed } from './token-owner.js';

/** Reads the provider's own tokens for its resources, as introspection would, without the network. */
export function createAccessTokenReader(provider: Provider): AccessTokenReader {
  return {
    async read(value) {
      const token = await provider.AccessToken.find(value);
      if (token) {
        // Destroying the Grant is the one write that ends every token of a consent.
        const grant = await provider.Grant.find(token.grantId);
        if (!grant || grant.clientId !== token.clientId) return undefined;
        if (!(await isOwnerServed(provider, token))) return undefined;
        return { ...factsOf(token), subject: token.accountId, grantId: token.grantId };
      }
      const own = await provider.ClientCredentials.find(value);
      if (!own || !(await isOwnerServed(provider, own))) return undefined;
      const subject = own.extra?.sub;
      return { ...factsOf(own), ...(typeof subject === 'string' && { subject }) };
    },
  };
}

function factsOf(token: AccessToken | ClientCredentials): AccessTokenFacts {
  return {
    clientId: token.clientId ?? '',
    scopes: token.scopes,
    certificateThumbprint: token['x5t#S256'],
    keyThumbprint: token.jkt,
    expiresAt: new Date((token.exp ?? 0) * 1000),
  };
}
