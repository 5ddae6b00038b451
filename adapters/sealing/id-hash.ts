import { createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import type { Keyring } from './keyring.js';

/**
 * Makes what hides the ids that the store must not see: HMAC-SHA-256, in base64url. Under a key, since
 * an id may be a name that somebody can guess; under one derived from the first data key, since a
 * record must be found by its id however often the data keys were rotated.
 */
export function createIdHash(keyring: Keyring): (collection: string, id: string) => string {
  const first = keyring.get(1);
  if (!first) throw new Error('The keyring is empty');
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', first.key, '', 'assent id', 32)));
  return (collection, id) =>
    createHmac('sha256', key).update(`${collection}/${id}`).digest('base64url');
}
