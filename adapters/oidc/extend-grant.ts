import type { Storage, Write } from '../../core/storage.js';
import { update } from '../../core/storage.js';
import { oidcCollections } from './oidc-collections.js';

/**
 * What moves the end of a Grant, for the commit that extends its consent: what was issued from it
 * works until then. None where there is no Grant, as with a connection made by an auth request.
 */
export async function extendGrant(
  storage: Storage,
  grantId: string,
  end: Date,
): Promise<readonly Write[]> {
  const { Grant } = oidcCollections;
  const stored = await storage.get(Grant, grantId);
  if (!stored) return [];
  const exp = Math.floor(end.getTime() / 1000);
  return [update(Grant, stored, { ...stored.value, exp }, end)];
}
