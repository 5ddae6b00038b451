import { createHmac, randomBytes } from 'node:crypto';
import type { Client, Provider } from 'oidc-provider';
import { type Collection, insert, type Storage, StorageConflict } from '../core/storage.js';

/** The key that pairwise subjects are made with, base64; sealed like every record. */
export const pairwiseKeys: Collection<{ readonly key: string }> = {
  name: 'pairwise_key',
  indexes: [],
  indexValues: () => ({}),
};

const recordId = 'provider';

/** Tells the subject that a client knows a person by (OpenID Connect Core §8.1). */
export type PairwiseSubject = (accountId: string, client: Client) => string;

/**
 * Pairwise subjects: the same for all clients of one sector, and with nothing in common between two. The
 * key is made on first start and never changes: everybody's subjects would change with it.
 */
export async function openPairwiseSubjects(storage: Storage): Promise<PairwiseSubject> {
  const key = await openKey(storage);
  return (accountId, client) => {
    const sector = String(Reflect.get(client, 'sectorIdentifier'));
    // Neither part may lend characters to the other.
    return createHmac('sha256', key)
      .update(JSON.stringify([sector, accountId]))
      .digest('base64url');
  };
}

/** Tells what a client calls a person; the library itself looks only where it signs. */
export function createSubjectReader(provider: Provider, pairwise: PairwiseSubject) {
  return async function subjectOf(accountId: string, clientId: string): Promise<string> {
    const client = await provider.Client.find(clientId);
    return client?.subjectType === 'pairwise' ? pairwise(accountId, client) : accountId;
  };
}

async function openKey(storage: Storage): Promise<Buffer> {
  const stored = await storage.get(pairwiseKeys, recordId);
  if (stored) return Buffer.from(stored.value.key, 'base64');
  const key = randomBytes(32);
  try {
    await storage.commit([insert(pairwiseKeys, recordId, { key: key.toString('base64') })]);
    return key;
  } catch (error) {
    if (error instanceof StorageConflict) return openKey(storage);
    throw error;
  }
}
