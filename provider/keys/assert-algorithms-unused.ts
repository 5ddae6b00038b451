import { ConfigurationError } from '../../config/configuration-error.js';
import { type Configuration, signingAlgorithms } from '../../config/schema.js';
import { type ClientMetadata, clients, signedAnswerMembers } from '../../core/clients.js';
import type { Storage } from '../../core/storage.js';

/** Clients named in the sentence, at most. */
const most = 5;
const pageSize = 100;

/**
 * An algorithm may be left out of the settings when no client receives what it signs.
 * @throws {ConfigurationError} naming some who do. Those whom the configuration moves count no more.
 */
export async function assertAlgorithmsUnused(
  storage: Pick<Storage, 'find'>,
  { signing, clients: seeds }: Pick<Configuration, 'signing' | 'clients'>,
): Promise<void> {
  const mistakes: string[] = [];
  for (const algorithm of signingAlgorithms) {
    if (signing.algorithms.includes(algorithm)) continue;
    const users = await findUsers(storage, algorithm, seeds);
    if (users.size === 0) continue;
    const named = [...users].slice(0, most).map(([id, members]) => `${id} (${members.join(', ')})`);
    mistakes.push(
      `signing.algorithms: leaves out ${algorithm}, which signs what these clients receive: ${named.join(', ')}${
        users.size > most ? ' and others' : ''
      }; move them to another first (docs/keys.md)`,
    );
  }
  if (mistakes.length > 0) throw new ConfigurationError(mistakes);
}

/** Clients and what of theirs it signs: more than are named, so that it is known whether there are more. */
async function findUsers(
  storage: Pick<Storage, 'find'>,
  algorithm: string,
  seeds: readonly ClientMetadata[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const users = new Map<string, string[]>();
  for (const member of signedAnswerMembers) {
    const moved = new Set(
      seeds
        .filter((seed) => seed[member] !== undefined && seed[member] !== algorithm)
        .map((seed) => seed.client_id),
    );
    let after: string | undefined;
    do {
      const query = { index: member, equals: algorithm, limit: pageSize, after };
      const page = await storage.find(clients, query);
      for (const { id } of page.records) {
        if (!moved.has(id)) users.set(id, [...(users.get(id) ?? []), member]);
      }
      after = page.next;
    } while (after !== undefined && users.size <= most);
  }
  return users;
}
