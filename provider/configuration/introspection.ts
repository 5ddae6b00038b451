import type {
  AccessToken,
  Client,
  ClientCredentials,
  Configuration,
  KoaContextWithOIDC,
  RefreshToken,
} from 'oidc-provider';
import { isOwnerServed } from '../token-owner.js';

type Introspected = AccessToken | ClientCredentials | RefreshToken;

/**
 * Who is told what a token is (RFC 7662 §2.2): a client of its own tokens, and a resource of the access
 * tokens that are for it. Anybody else hears that it is not active.
 * @param resource our own API, which a resource that names no other stands for.
 */
export function introspectionFeature(enabled: boolean, resource: string) {
  return {
    introspection: {
      enabled,
      allowedPolicy: async ({ oidc }: KoaContextWithOIDC, client: Client, token: Introspected) =>
        (client.clientId === token.clientId || isFor(client, token, resource)) &&
        isOwnerServed(oidc.provider, token),
    },
  } satisfies Configuration['features'];
}

/** RFC 9701 §5: of a token that is for another resource nothing is said; a refresh token is for none. */
function isFor(client: Client, token: Introspected, resource: string): boolean {
  if (client.resource_server !== true || token.kind === 'RefreshToken') return false;
  const identifiers: readonly unknown[] = Array.isArray(client.audience)
    ? client.audience
    : [resource];
  return [token.aud].flat().some((audience) => identifiers.includes(audience));
}
