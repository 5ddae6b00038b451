import type { Collection, Storage, Stored } from '../../core/storage.js';
import type { KeySet } from './key-set.js';

/** The provider's signing keys, sealed like every record: one record, under {@link keySetId}. */
export const keySets: Collection<KeySet> = {
  name: 'signing_key_set',
  indexes: [],
  indexValues: () => ({}),
};

export const keySetId = 'provider';

export function readKeySet(storage: Pick<Storage, 'get'>): Promise<Stored<KeySet> | undefined> {
  return storage.get(keySets, keySetId);
}
