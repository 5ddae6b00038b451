import { findActiveClient } from '../core/clients.js';
import type { Clock } from '../core/clock.js';
import { isSameSecret } from '../core/is-same-secret.js';
import type { Storage } from '../core/storage.js';

/** Whether a secret is the one before the present one, while both are accepted. */
export function createPreviousSecretCheck(storage: Pick<Storage, 'get'>, clock: Clock) {
  return async function isPreviousSecret(clientId: string, secret: string): Promise<boolean> {
    const previous = (await findActiveClient(storage, clientId))?.value.previous_client_secret;
    if (!previous || Date.parse(previous.expires_at) <= clock.now()) return false;
    return isSameSecret(secret, previous.value);
  };
}
