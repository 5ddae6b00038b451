import type { Collection, Storage, Stored } from '../../core/storage.js';
import type { KeySet } from './key-set.js';

/** The provider's keys, sealed like every record: a record for each purpose. */
export const keySets: Collection<KeySet> = {
  name: 'signing_key_set',
  indexes: [],
  indexValues: () => ({}),
};

/** Of the keys that sign. */
export const keySetId = 'provider';
/** Of the keys that clients encrypt to. */
export const encryptionKeySetId = 'encryption';

export function readKeySet(
  storage: Pick<Storage, 'get'>,
  id: string = keySetId,
): Promise<Stored<KeySet> | undefined> {
  return storage.get(keySets, id);
}
