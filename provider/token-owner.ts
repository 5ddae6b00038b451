import type { Provider } from 'oidc-provider';

/** What a token says of whose it is. */
interface OwnedToken {
  readonly clientId?: string | undefined;
  /** Seconds since the epoch. */
  readonly iat?: number | undefined;
}

/**
 * Whether the client that a token was issued to is served: it is there, it is not disabled, and it is
 * not another one that was made later under the same id.
 */
export async function isOwnerServed(provider: Provider, token: OwnedToken): Promise<boolean> {
  const client = await provider.Client.find(token.clientId ?? '');
  return client !== undefined && (client.clientIdIssuedAt ?? 0) <= (token.iat ?? 0);
}
