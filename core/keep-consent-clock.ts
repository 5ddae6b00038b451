import type { Clock } from './clock.js';
import { type Connection, connections } from './connection.js';
import { longestConsent } from './connection-request.js';
import { type Consent, consents } from './consent.js';
import { consentClock, consentDues, lastUpdate, type Told } from './consent-clock.js';
import { type EventPayloads, report } from './event.js';
import { handleJob, type JobHandler, type JobOutcome } from './job.js';
import { type Storage, type Stored, update, type Write } from './storage.js';
import { validityOf } from './validity.js';
import type { Withdrawals } from './withdrawals.js';

interface ConsentClockDeps {
  readonly storage: Pick<Storage, 'get'>;
  readonly clock: Clock;
  readonly withdrawals: Pick<Withdrawals, 'order'>;
  /** The writes that end the Grant of this id and every token under it. */
  readonly revokeGrant: (grantId: string) => readonly Write[];
  /** How long an expired consent can be extended again (seconds). */
  readonly revival: number;
}

const day = 86_400_000;

/**
 * Tells clients what becomes of consents: reminders from five days before the end, and that data of a
 * legacy connection no longer arrives, each every 48 hours; the expiry, once. When an expired consent
 * can be extended no more, its tokens go, here and at the bank.
 */
export function createConsentClockHandler(deps: ConsentClockDeps): JobHandler {
  const { storage, clock, withdrawals, revokeGrant, revival } = deps;

  /** Where the consent has not ended: who is to be reminded of what, and when to look again. */
  function remind(connection: Connection, held: Stored<Consent>, told: Told): JobOutcome<Told> {
    const now = clock.now();
    const { value: consent } = held;
    const dues = consentDues(consent, connection, told);
    const due = (['reauthReminder', 'refreshReminder'] as const).filter(
      (type) => dues[type] <= now,
    );
    const at = new Date(now).toISOString();
    const reminded = { ...consent.reminded, ...Object.fromEntries(due.map((type) => [type, at])) };
    const next = { ...consent, reminded };
    const again = Math.min(...Object.values(consentDues(next, connection, told)));
    return {
      writes: [
        ...(due.length > 0 ? [update(consents, held, next)] : []),
        ...due.map((type) => tell(type, connection, consent)),
      ],
      again: { due: new Date(again) },
    };
  }

  function tell(
    type: 'reauthReminder' | 'refreshReminder' | 'consentExpired',
    connection: Connection,
    consent: Consent,
  ): Write {
    const now = clock.now();
    const { id: connectionId, institutionName: bankName, bankValidUntil } = connection;
    const about = { connectionId, bankName };
    const validity = validityOf(connection, consent, now);
    const ends = [consent.expiresAt, ...(bankValidUntil ? [bankValidUntil] : [])].map(Date.parse);
    const payloads: Pick<EventPayloads, typeof type> = {
      reauthReminder: {
        ...about,
        timeUntilReauthorizationInDays: Math.max(0, Math.ceil((Math.min(...ends) - now) / day)),
        tppConsent: consent.tppConsent,
        validity,
      },
      refreshReminder: {
        ...about,
        periodSinceLastUpdateInDays: Math.floor((now - lastUpdate(connection)) / day),
      },
      consentExpired: { ...about, validity },
    };
    return report(type, connection, payloads[type], new Date(now));
  }

  function expire(
    held: Stored<Connection>,
    { value: consent }: Stored<Consent>,
    told: Told,
  ): JobOutcome<Told> {
    const { value: connection } = held;
    const cleanUp = Date.parse(consent.expiresAt) + revival * 1000;
    if (told.consentExpired === undefined) {
      const data = { consentExpired: clock.now() };
      const again = { due: new Date(cleanUp), data };
      return { writes: [tell('consentExpired', connection, consent)], again };
    }
    if (clock.now() < cleanUp) return { writes: [], again: { due: new Date(cleanUp) } };
    return { writes: [...revokeGrant(consent.id), ...forget(held, consent)] };
  }

  /**
   * What opens the bank is not kept for ever, least of all a password: from then on only the person
   * can renew it. What had no end at the bank is given back there too.
   */
  function forget(held: Stored<Connection>, { tppConsent }: Consent): readonly Write[] {
    const { value: connection } = held;
    const emptied = { ...connection, authorization: {} };
    const hasEndAtBank = !tppConsent && connection.kind !== 'legacy';
    if (hasEndAtBank) return [update(connections, held, emptied)];
    return [
      update(connections, held, { ...emptied, status: 'error', error: 'credentials_error' }),
      withdrawals.order(connection, new Date(clock.now() + longestConsent)).write,
    ];
  }

  return handleJob(consentClock, async (told, { key: connectionId }) => {
    const connection = await storage.get(connections, connectionId);
    const consent = connection && (await storage.get(consents, connection.value.consentId));
    // A pending connection is watched from when its client comes for it.
    const isOver = connection?.value.status === 'pending' || consent?.value.status !== 'authorised';
    if (!connection || !consent || isOver) return { writes: [] };
    const hasExpired = Date.parse(consent.value.expiresAt) <= clock.now();
    if (hasExpired) return expire(connection, consent, told);
    return remind(connection.value, consent, told);
  });
}
