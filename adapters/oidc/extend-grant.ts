import { type Storage, update, type Write } from '../../core/storage.js';
import { oidcCollections } from './oidc-collections.js';

/**
 * What moves the end of a Grant, for the commit that extends its consent: what was issued from it
 * works until then. None where there is no Grant, as with a connection made by an auth request.
 * @param revival how long after its end it can be extended again (seconds).
 */
export async function extendGrant(
  storage: Storage,
  grantId: string,
  end: Date,
  revival: number,
): Promise<readonly Write[]> {
  const { Grant } = oidcCollections;
  const stored = await storage.get(Grant, grantId);
  if (!stored) return [];
  const exp = Math.floor(end.getTime() / 1000);
  const kept = new Date(end.getTime() + revival * 1000);
  return [update(Grant, stored, { ...stored.value, exp }, kept)];
}
