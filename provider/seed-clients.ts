import { errors, type Provider } from 'oidc-provider';
import { ConfigurationError } from '../config/configuration-error.js';
import { type ClientMetadata, clients } from '../core/clients.js';
import { put, type Storage } from '../core/storage.js';

/**
 * Writes the clients of the configuration where they are new or were changed there, after holding all of
 * them to the rules of the library and of their profiles.
 * @throws {ConfigurationError} naming every client that breaks a rule, and the rule.
 */
export async function seedClients(
  provider: Provider,
  storage: Storage,
  seeds: readonly ClientMetadata[],
): Promise<void> {
  const mistakes: string[] = [];
  for (const [index, seed] of seeds.entries()) {
    const rule = await findBrokenRule(provider, seed);
    if (rule) mistakes.push(`clients.${index} (${seed.client_id}): ${rule}`);
  }
  if (mistakes.length > 0) throw new ConfigurationError(mistakes);

  for (const seed of seeds) {
    const stored = await storage.get(clients, seed.client_id);
    if (JSON.stringify(stored?.value) !== JSON.stringify(seed)) {
      await storage.commit([put(clients, seed.client_id, seed)]);
    }
  }
}

/** What is wrong with the metadata, as the library or the profile says it; it repeats no values. */
async function findBrokenRule(
  provider: Provider,
  metadata: ClientMetadata,
): Promise<string | undefined> {
  try {
    await provider.Client.validate(metadata);
    return undefined;
  } catch (error) {
    if (error instanceof errors.OIDCProviderError) return error.error_description ?? error.error;
    throw error;
  }
}
