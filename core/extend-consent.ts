import { type Connection, connections } from './connection.js';
import { authoriseConsent, type Consent, consents } from './consent.js';
import { watchConsent } from './consent-clock.js';
import { report } from './event.js';
import type { ResumeSyncs } from './resume-syncs.js';
import { type Stored, update, type Write } from './storage.js';
import { isReconsentable, validityOf } from './validity.js';

/** The writes that move the end of a Grant, so that what was issued from it works until then. */
export type ExtendGrant = (grantId: string, end: Date) => Promise<readonly Write[]>;

/** A connection and the consent in force, as stored. */
export interface StoredConnection {
  readonly connection: Stored<Connection>;
  readonly consent: Stored<Consent>;
}

/** What extending takes besides the record. */
export interface ExtensionDeps {
  readonly extendGrant: ExtendGrant;
  readonly resumeSyncs: ResumeSyncs;
}

interface Extension {
  readonly expiresAt: Date;
  /** The hosted page, or the client's own screen and `PATCH`. */
  readonly means: 'reconsent' | 'api';
}

/** The connection and the consent as they are then, and what makes them so. */
interface Extended {
  readonly connection: Connection;
  readonly consent: Consent;
  readonly writes: readonly Write[];
}

/**
 * Whether a consent can be extended without the bank: in force or ended not too long ago, and the bank
 * still recognises the person.
 * @param now milliseconds since the epoch.
 * @param revival seconds after its end within which it can be extended.
 */
export function isExtendable(
  { connection, consent }: StoredConnection,
  now: number,
  revival: number,
): boolean {
  const { status, expiresAt } = consent.value;
  const revivable = Date.parse(expiresAt) + revival * 1000 > now;
  const isTaken = isReconsentable(connection.value, consent.value, now);
  return status === 'authorised' && revivable && isTaken;
}

/**
 * What extends a consent without a visit to the bank, for one commit (identity-service.md §4.4, 4.5):
 * its end and its Grant's, the reminders, the event, and a fetch where the data had stopped coming.
 * Whether it may be extended is the caller's to know ({@link isExtendable}, the limits of the date). The
 * commit fails where the connection changed since it was read: the bank may have lost the person.
 */
export async function extendConsent(
  { extendGrant, resumeSyncs }: ExtensionDeps,
  { connection: held, consent: given }: StoredConnection,
  { expiresAt, means }: Extension,
  at: Date,
): Promise<Extended> {
  const terms = { ...given.value, expiresAt: expiresAt.toISOString() };
  const consent = authoriseConsent(given.value, terms, { means, at });
  const hadExpired = Date.parse(given.value.expiresAt) <= at.getTime();
  const connection = hadExpired ? revive(held.value) : held.value;
  const { id: connectionId, institutionName: bankName } = connection;
  const validity = validityOf(connection, consent, at.getTime());
  return {
    connection,
    consent,
    writes: [
      update(consents, given, consent),
      ...(await extendGrant(consent.id, expiresAt)),
      watchConsent(consent, connection),
      report('consentExtended', connection, { connectionId, bankName, validity }, at),
      update(connections, held, connection),
      ...(hadExpired ? await resumeSyncs(connection, at) : []),
    ],
  };
}

/** Faults that the expiry brought are over with it. */
function revive({ error, ...connection }: Connection): Connection {
  if (error === 'sync_error' || error === 'resync') return { ...connection, status: 'ok' };
  return { ...connection, error };
}
