import { hash, timingSafeEqual } from 'node:crypto';
import { findActiveClient } from '../core/clients.js';
import type { Clock } from '../core/clock.js';
import type { Storage } from '../core/storage.js';

/** Whether a secret is the one before the present one, while both are accepted. */
export function createPreviousSecretCheck(storage: Pick<Storage, 'get'>, clock: Clock) {
  return async function isPreviousSecret(clientId: string, secret: string): Promise<boolean> {
    const previous = (await findActiveClient(storage, clientId))?.value.previous_client_secret;
    if (!previous || Date.parse(previous.expires_at) <= clock.now()) return false;
    const [given, expected] = [secret, previous.value].map((text) =>
      hash('sha256', text, 'buffer'),
    );
    return given !== undefined && expected !== undefined && timingSafeEqual(given, expected);
  };
}
