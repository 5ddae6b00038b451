import { remove, removeWhere, type Write } from '../../core/storage.js';
import { oidcCollections } from './oidc-collections.js';

/**
 * What ends a Grant and everything issued from it, for the commit that ends its consent. Removing the
 * Grant alone already makes its tokens worthless; the rest leaves nothing behind.
 */
export function revokeGrant(grantId: string): readonly Write[] {
  const { Grant, AccessToken, AuthorizationCode, RefreshToken } = oidcCollections;
  return [
    remove(Grant, grantId),
    ...[AccessToken, AuthorizationCode, RefreshToken].map((collection) =>
      removeWhere(collection, 'grantId', grantId),
    ),
  ];
}
