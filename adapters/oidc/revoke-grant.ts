import { remove, removeWhere, type Write } from '../../core/storage.js';
import { oidcCollections } from './oidc-collections.js';

/**
 * What ends a Grant and everything issued from it, for the commit that ends its consent. Removing the
 * Grant alone already makes its tokens worthless; the rest leaves nothing behind.
 */
export function revokeGrant(grantId: string): readonly Write[] {
  return [remove(oidcCollections.Grant, grantId), ...revokeIssued(grantId)];
}

/** What ends everything issued from a Grant so far, and leaves the Grant: what comes after is good. */
export function revokeIssued(grantId: string): readonly Write[] {
  const { AccessToken, AuthorizationCode } = oidcCollections;
  return [
    ...[AccessToken, AuthorizationCode].map((issued) => removeWhere(issued, 'grantId', grantId)),
    ...revokeRefreshTokens(grantId),
  ];
}

/** What ends the refresh tokens of a Grant, and leaves what they gave. */
export function revokeRefreshTokens(grantId: string): readonly Write[] {
  return [removeWhere(oidcCollections.RefreshToken, 'grantId', grantId)];
}
