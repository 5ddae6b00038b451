import type { Provider } from 'oidc-provider';
import { type ClientMetadata, clients } from '../core/clients.js';
import { put, type Storage } from '../core/storage.js';

/**
 * Writes the clients of the configuration where they are new or were changed there, after holding each
 * to the rules of the library and of its profile.
 * @throws Error naming the client and the rule it breaks.
 */
export async function seedClients(
  provider: Provider,
  storage: Storage,
  seeds: readonly ClientMetadata[],
): Promise<void> {
  for (const seed of seeds) {
    try {
      await provider.Client.validate(seed);
    } catch (cause) {
      const reason =
        cause instanceof Error && 'error_description' in cause ? cause.error_description : cause;
      throw new Error(`Client ${seed.client_id} in the configuration: ${reason}`, { cause });
    }
    const stored = await storage.get(clients, seed.client_id);
    if (JSON.stringify(stored?.value) !== JSON.stringify(seed)) {
      await storage.commit([put(clients, seed.client_id, seed)]);
    }
  }
}
