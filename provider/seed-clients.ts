import { ConfigurationError } from '../config/configuration-error.js';
import { compareClients, recordChange } from '../core/client-change.js';
import { keepLogo } from '../core/client-logo.js';
import { readClientMetadata, topMember } from '../core/client-metadata.js';
import type { ClientRules } from '../core/client-rules.js';
import { type Author, type ClientMetadata, type ClientRecord, clients } from '../core/clients.js';
import type { Clock } from '../core/clock.js';
import { findAll } from '../core/find-all.js';
import { keepAlgorithms } from '../core/keep-algorithms.js';
import type { Logger } from '../core/logger.js';
import { retryConflict } from '../core/retry-conflict.js';
import { insert, type Storage, type Stored, update } from '../core/storage.js';

interface SeedDeps {
  readonly rules: ClientRules;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
}

const file: Author = { kind: 'file', id: 'configuration' };

/**
 * Writes the clients of the configuration where they are new or were changed there, after holding all of
 * them to the rules of the library and of their profiles. What the file says wins over what is stored;
 * only that a client was disabled stays, because nobody disables one through the file. A client that is
 * in the file no more is kept, and from then on the Admin API's: a slip of the pen ends nobody's access.
 * @throws {ConfigurationError} naming every client that breaks a rule, and every rule.
 */
export async function seedClients(deps: SeedDeps, seeds: readonly ClientMetadata[]): Promise<void> {
  const mistakes: string[] = [];
  for (const [index, seed] of seeds.entries()) {
    for (const { member, rule } of await findBroken(deps, seed)) {
      mistakes.push(`clients.${index} (${seed.client_id}): ${member} ${rule}`);
    }
  }
  if (mistakes.length > 0) throw new ConfigurationError(mistakes);
  for (const seed of seeds) await retryConflict(() => write(deps, seed));
  await release(deps, seeds);
}

async function findBroken({ rules, storage }: SeedDeps, seed: ClientMetadata) {
  const stored = await storage.get(clients, seed.client_id);
  if (stored?.value.operator) {
    return [{ member: 'client_id', rule: "is an operator's, which the admin command made" }];
  }
  const { client_id: _id, client_secret: _secret, ...metadata } = seed;
  const { rules: form } = readClientMetadata(metadata);
  const named = new Set(form.map(topMember));
  // With members of another type than they should have, the library could not look any further.
  const sound = Object.entries(seed).filter(([member]) => !named.has(member));
  const others = await rules.findBroken({
    ...Object.fromEntries(sound),
    client_id: seed.client_id,
  });
  return [...form, ...others.filter((rule) => !named.has(topMember(rule)))];
}

async function write({ rules, storage, clock }: SeedDeps, seed: ClientMetadata): Promise<void> {
  const stored = await storage.get(clients, seed.client_id);
  const said: ClientRecord = {
    ...seed,
    managed_by: 'file',
    ...(stored?.value.client_status === 'inactive' && { client_status: 'inactive' }),
  };
  const next = keepAlgorithms(said, stored?.value, rules);
  const changes = compareClients(stored?.value, next);
  if (changes.length === 0) return;
  const at = new Date(clock.now());
  const issued = stored?.value.client_id_issued_at;
  const record = {
    ...next,
    ...(issued !== undefined && { client_id_issued_at: issued }),
    updated_at: at.toISOString(),
    updated_by: file,
  };
  await storage.commit([
    stored ? update(clients, stored, record) : insert(clients, seed.client_id, record),
    recordChange(seed.client_id, stored ? 'updated' : 'created', changes, { by: file, at }),
    ...keepLogo(seed.client_id, stored?.value, record, at),
  ]);
}

async function release(deps: SeedDeps, seeds: readonly ClientMetadata[]): Promise<void> {
  const { storage, clock, logger } = deps;
  const named = new Set(seeds.map((seed) => seed.client_id));
  const ofFile = await findAll(storage, clients, { index: 'managed_by', equals: 'file' });

  async function hand({ id }: Stored<ClientRecord>): Promise<void> {
    const stored = await storage.get(clients, id);
    if (stored?.value.managed_by !== 'file') return;
    const at = new Date(clock.now());
    const record: ClientRecord = { ...stored.value, managed_by: 'api' };
    await storage.commit([
      update(clients, stored, { ...record, updated_at: at.toISOString(), updated_by: file }),
      recordChange(id, 'updated', compareClients(stored.value, record), { by: file, at }),
    ]);
    logger.warn({ clientId: id }, 'a client is in the configuration no more; the Admin API has it');
  }

  for (const client of ofFile.filter(({ id }) => !named.has(id))) {
    await retryConflict(() => hand(client));
  }
}
