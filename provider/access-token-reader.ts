import type { AccessToken, ClientCredentials, Provider } from 'oidc-provider';
import type { AccessTokenFacts, AccessTokenReader } from '../core/access-token.js';
import { isOwnerServed } from './token-owner.js';

/**
 * Reads the provider's own tokens for its resources, as introspection would, without the network.
 * @param resource what tokens must be for: one for another resource is of no use here (SEC-42).
 */
export function createAccessTokenReader(provider: Provider, resource: string): AccessTokenReader {
  return {
    async read(value) {
      const token = await provider.AccessToken.find(value);
      if (token) {
        if (token.aud !== resource) return undefined;
        // Destroying the Grant is the one write that ends every token of a consent.
        const grant = await provider.Grant.find(token.grantId);
        if (!grant || grant.clientId !== token.clientId) return undefined;
        if (!(await isOwnerServed(provider, token))) return undefined;
        const { accountId: subject, grantId } = token;
        const facts = { ...factsOf(token), ...authenticationOf(token), subject, grantId };
        return { ...facts, ...(token.rar && { authorizationDetails: token.rar }) };
      }
      const own = await provider.ClientCredentials.find(value);
      if (own?.aud !== resource || !(await isOwnerServed(provider, own))) return undefined;
      const subject = own.extra?.sub;
      return { ...factsOf(own), ...(typeof subject === 'string' && { subject }) };
    },
  };
}

function authenticationOf({ extra: { acr, auth_time: at } = {} }: AccessToken) {
  return {
    ...(typeof acr === 'string' && { acr }),
    ...(typeof at === 'number' && { authenticatedAt: new Date(at * 1000) }),
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
