import type { AccessTokenFacts } from './access-token.js';
import type { Clock } from './clock.js';
import { connections } from './connection.js';
import { consents } from './consent.js';
import { decideReadable, type ReadableConnection } from './data-policy.js';
import { findAll } from './find-all.js';
import { Refusal } from './refusal.js';
import type { Storage } from './storage.js';
import { users } from './user.js';

export interface ReaderDeps {
  readonly storage: Storage;
  readonly clock: Clock;
}

/**
 * Reads what {@link decideReadable} needs and lets it decide.
 * @throws {Refusal} `forbidden` where the token opens no person's data.
 */
export async function readConsentedConnections(
  { storage, clock }: ReaderDeps,
  token: AccessTokenFacts,
): Promise<readonly ReadableConnection[]> {
  if (token.subject === undefined) return decideReadable(token, [], clock.now());
  const ofUser = { index: 'user', equals: token.subject };
  const [linked, given] = await Promise.all([
    findAll(storage, connections, ofUser),
    findAll(storage, consents, ofUser),
  ]);
  if (linked.length === 0) await assertUser(storage, token.subject, token.clientId);
  const links = linked.flatMap(({ value: connection }) =>
    given
      .filter(({ id }) => id === connection.consentId)
      .map(({ value: consent }) => ({ connection, consent })),
  );
  return decideReadable(token, links, clock.now());
}

/** A token outlives its person by no call: nothing to share and nobody there are told apart. */
async function assertUser(storage: Storage, userId: string, clientId: string): Promise<void> {
  const user = await storage.get(users, userId);
  if (user?.value.clientId !== clientId) {
    throw new Refusal('forbidden', 'The person of this access token is no user of this client');
  }
}
