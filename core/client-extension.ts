import { clients } from './clients.js';
import type { Clock } from './clock.js';
import { longestConsent } from './connection-request.js';
import {
  type ExtensionDeps,
  extendConsent,
  isExtendable,
  type StoredConnection,
} from './extend-consent.js';
import { loadOwnConnection } from './own-connection.js';
import { Refusal } from './refusal.js';
import { retryConflict } from './retry-conflict.js';
import type { Storage, Write } from './storage.js';

/** Which connection, of which client's user. */
export interface ConnectionReference {
  readonly clientId: string;
  readonly userId: string;
  readonly connectionId: string;
}

/**
 * Extends a consent that its person gave again on the client's own screen (identity-service.md §4.5).
 * Extending to the same end again changes nothing.
 * @param sent the end as the client sent it; the one that is kept is two hours earlier.
 * @param remembered more writes for the same commit.
 * @throws {Refusal} `not_found`; `forbidden` for a client whose people see the hosted screen;
 * `invalid_request` for a connection or a date that cannot be extended so.
 */
export type ExtendByClient = (
  reference: ConnectionReference,
  sent: Date,
  remembered?: readonly Write[],
) => Promise<void>;

interface ClientExtensionDeps extends ExtensionDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  /** Seconds after its end within which a consent can be extended. */
  readonly revival: number;
}

/** Between what a client sends and what is kept (milliseconds). */
const margin = 2 * 3_600_000;

/** See {@link ExtendByClient}. */
export function createClientExtension(deps: ClientExtensionDeps): ExtendByClient {
  const { storage, clock, revival } = deps;

  function assertExtendable(held: StoredConnection): void {
    if (!isExtendable(held, clock.now(), revival)) {
      const message = 'This connection takes no new expiresAt: its person must authenticate again';
      throw new Refusal('invalid_request', message);
    }
  }

  function toEnd(sent: Date): Date {
    const ahead = sent.getTime() - clock.now();
    if (ahead <= margin || ahead > longestConsent) {
      const message = 'expiresAt must be more than two hours and at most 90 days ahead';
      throw new Refusal('invalid_request', message);
    }
    return new Date(sent.getTime() - margin);
  }

  return function extendByClient({ clientId, userId, connectionId }, sent, remembered = []) {
    return retryConflict(async () => {
      const held = await loadOwnConnection(storage, clientId, userId, connectionId);
      const client = await storage.get(clients, clientId);
      if (client?.value.own_consent_screens !== true) {
        const message = 'Only clients with their own consent screens extend consents here';
        throw new Refusal('forbidden', message);
      }
      assertExtendable(held);
      const expiresAt = toEnd(sent);
      const at = new Date(clock.now());
      const isNew = held.consent.value.expiresAt !== expiresAt.toISOString();
      const { writes } = isNew
        ? await extendConsent(deps, held, { expiresAt, means: 'api' }, at)
        : { writes: [] };
      await storage.commit([...remembered, ...writes]);
    });
  };
}
