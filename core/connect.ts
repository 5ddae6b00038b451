import { randomBytes, randomUUID } from 'node:crypto';
import type { ClientMetadata } from './clients.js';
import type { Clock } from './clock.js';
import { type Connection, connections } from './connection.js';
import { type ConnectionRequest, toConsentTerms } from './connection-request.js';
import { type Consent, consents, moveConsent } from './consent.js';
import {
  type ConnectorState,
  type Institution,
  type InstitutionDirectory,
  InstitutionError,
} from './institution.js';
import { type Journey, journeys, type Visit } from './journey.js';
import type { Logger } from './logger.js';
import { Refusal } from './refusal.js';
import { insert, type Storage, type Stored, update, type Write } from './storage.js';
import { makeUserId, type User, users } from './user.js';

/** A journey with its place in storage. */
export type StoredJourney = Stored<Journey>;

/** How a return from the bank ended. */
export type Arrival =
  | { readonly outcome: 'connected'; readonly consent: Consent; readonly writes: readonly Write[] }
  | { readonly outcome: 'refused'; readonly reason: string; readonly writes: readonly Write[] };

/** From a client's request to a connection: what happens at each step, whatever shows it. */
export interface Connect {
  /** The journey of an interaction, made where it is new. `uid` is the interaction's. */
  open(
    uid: string,
    request: ConnectionRequest,
    client: ClientMetadata,
    end: Date,
  ): Promise<StoredJourney>;
  /** @throws {Refusal} `invalid_claims` where the request's `sub` is no user of this client. */
  assertSubject(request: ConnectionRequest, client: ClientMetadata): Promise<void>;
  /** The banks a request's chooser offers; empty where it names one bank. */
  offered(request: ConnectionRequest): readonly Institution[];
  /** @throws {Refusal} `not_found` for a bank that is not offered. */
  choose(journey: StoredJourney, institutionId: string, request: ConnectionRequest): Promise<void>;
  agree(journey: StoredJourney): Promise<void>;
  /**
   * Makes the consent and prepares the visit.
   * @returns the bank's address for the person's browser.
   * @throws {InstitutionError} where the bank cannot be reached; nothing is left at the bank then.
   */
  depart(journey: StoredJourney, request: ConnectionRequest): Promise<string>;
  /**
   * Takes the bank's callback, checks it and exchanges its code. The visit is over then, whatever
   * comes of it. @throws {InstitutionError} having withdrawn what it may have left at the bank.
   */
  arrive(
    journey: StoredJourney,
    request: ConnectionRequest,
    callback: URLSearchParams,
  ): Promise<Arrival>;
  /**
   * Withdraws at the bank what an arrival gave there and could not be kept here, because its writes
   * did not apply. The person does not wait for that.
   */
  takeBack(journey: StoredJourney): void;
  /** Gives the journey up: the consent is rejected and the bank's intent withdrawn. */
  leave(journey: StoredJourney): Promise<readonly Write[]>;
}

interface ConnectDeps {
  readonly storage: Storage;
  readonly directory: InstitutionDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where banks send people back to. */
  readonly redirectUri: string;
  /** How long a connection waits for its client to redeem the code (seconds). */
  readonly redeemWithin: number;
  /** Told when a connection made now would be given up, so that somebody looks then. */
  readonly onPending: (until: Date) => void;
}

/** See {@link Connect}. */
export function createConnect(deps: ConnectDeps): Connect {
  const { storage, directory, clock, logger, redirectUri, redeemWithin, onPending } = deps;

  function offered({ institution }: ConnectionRequest): readonly Institution[] {
    if (!('chooser' in institution)) return [];
    const { chooser } = institution;
    return directory.all.filter(({ kind }) => chooser === 'all' || kind === chooser);
  }

  function institutionOf(journey: Journey): Institution {
    const institution = directory.find(journey.institutionId ?? '');
    if (!institution) throw new Refusal('not_found', 'This bank is no longer available here.');
    return institution;
  }

  /** A visit that leads nowhere is withdrawn at the bank; the person does not wait for that. */
  function withdraw({ institutionId, attempt }: Pick<Visit, 'institutionId' | 'attempt'>): void {
    directory
      .connector(institutionId)
      .revoke(attempt)
      .catch((cause) => logger.warn({ institutionId, cause }, 'intent not withdrawn'));
  }

  async function makeConsent(journey: Journey, request: ConnectionRequest): Promise<Consent> {
    const institution = institutionOf(journey);
    const now = new Date(clock.now());
    const terms = toConsentTerms(request, institution.monthsInitialConsent, clock.now());
    const status = 'awaiting_authorisation';
    return {
      id: randomUUID(),
      clientId: journey.clientId,
      userId: request.subject ?? makeUserId(clock.now()),
      connectionId: `${institution.id}:${randomUUID()}`,
      institutionId: institution.id,
      access: request.subject === undefined ? 'one-time' : 'ongoing',
      permissions: terms.permissions,
      transactionFrom: terms.transactionFrom?.toISOString(),
      expiresAt: request.expiresAt.toISOString(),
      tppConsent: request.tppConsent,
      status,
      history: [{ status, at: now.toISOString() }],
    };
  }

  /** The consent of the journey, made on the first departure and kept on the next ones. */
  async function consentOf(
    journey: Journey,
    request: ConnectionRequest,
  ): Promise<{ consent: Consent; writes: Write[] }> {
    const stored =
      journey.consentId === undefined ? undefined : await storage.get(consents, journey.consentId);
    if (stored && isDeparting(stored.value, journey)) {
      return { consent: stored.value, writes: [] };
    }
    const consent = await makeConsent(journey, request);
    return { consent, writes: [insert(consents, consent.id, consent)] };
  }

  function makeConnection(consent: Consent, authorization: ConnectorState) {
    const institution = directory.find(consent.institutionId);
    return {
      id: consent.connectionId,
      clientId: consent.clientId,
      userId: consent.userId,
      institutionId: consent.institutionId,
      institutionName: institution?.name ?? consent.institutionId,
      kind: institution?.kind ?? 'api',
      consentId: consent.id,
      status: 'pending',
      connectedOn: new Date(clock.now()).toISOString(),
      pendingUntil: new Date(clock.now() + redeemWithin * 1000).toISOString(),
      accountIds: [],
      authorization,
    } satisfies Connection;
  }

  return {
    async open(uid, request, client, end) {
      const stored = await storage.get(journeys, uid);
      if (stored) return stored;
      const journey: Journey = {
        clientId: client.client_id,
        institutionId: 'id' in request.institution ? request.institution.id : undefined,
        agreed: client.own_consent_screens === true,
      };
      await storage.commit([insert(journeys, uid, journey, end)]);
      return { id: uid, value: journey, version: 1, expiresAt: end };
    },

    async assertSubject({ subject }, client) {
      if (subject === undefined) return;
      const user = await storage.get(users, subject);
      if (user?.value.clientId !== client.client_id) {
        throw new Refusal('invalid_claims', 'sub is not a user of this client');
      }
    },

    offered,

    async choose(journey, institutionId, request) {
      if (!offered(request).some(({ id }) => id === institutionId)) {
        throw new Refusal('not_found', 'Please choose a bank from the list.');
      }
      await storage.commit([update(journeys, journey, { ...journey.value, institutionId })]);
    },

    async agree(journey) {
      await storage.commit([update(journeys, journey, { ...journey.value, agreed: true })]);
    },

    async depart(journey, request) {
      const { visit: earlier, ...rest } = journey.value;
      const institution = institutionOf(rest);
      const { consent, writes } = await consentOf(rest, request);
      const state = randomBytes(32).toString('base64url');
      const terms = {
        permissions: consent.permissions,
        expiresAt: new Date(consent.expiresAt),
        transactionFrom: consent.transactionFrom ? new Date(consent.transactionFrom) : undefined,
      };
      const connector = directory.connector(institution.id);
      const start = await connector.begin({ terms, state, redirectUri });
      if ('ask' in start) throw new Refusal('not_found', 'This bank cannot be connected here yet.');
      const { redirectTo, attempt } = start;
      const visit = { institutionId: institution.id, state, attempt, returned: false };
      const next = { ...rest, consentId: consent.id, visit };
      try {
        await storage.commit([...writes, update(journeys, journey, next)]);
      } catch (error) {
        withdraw(visit);
        throw error;
      }
      if (earlier && !earlier.returned) withdraw(earlier);
      return redirectTo;
    },

    async arrive(journey, request, callback) {
      const { visit, consentId } = journey.value;
      const consent = consentId === undefined ? undefined : await storage.get(consents, consentId);
      // Not where it was revoked meanwhile, e.g. with its user: revoking is for ever.
      const waiting = consent?.value.status === 'awaiting_authorisation';
      if (!visit || visit.returned || !consent || !waiting) {
        throw new InstitutionError('invalid_callback', 'This visit to your bank is already over.');
      }
      // Claimed before the bank's code is used: a second tab or a reload must not use it again, which
      // the bank would answer by revoking what the first use gave.
      await storage.commit([
        update(journeys, journey, { ...journey.value, visit: { ...visit, returned: true } }),
      ]);
      const result = await directory
        .connector(visit.institutionId)
        .complete({ attempt: visit.attempt, callback, redirectUri })
        .catch((error: unknown) => {
          // The bank may have authorised what we cannot use: its answer was lost, or unreadable.
          withdraw(visit);
          throw error;
        });
      const now = new Date(clock.now());
      if (result.outcome === 'refused') {
        withdraw(visit);
        const rejected = moveConsent(consent.value, 'rejected', now);
        return { ...result, writes: [update(consents, consent, rejected)] };
      }
      const authorised = moveConsent(consent.value, 'authorised', now);
      const connection = makeConnection(authorised, result.authorization);
      onPending(new Date(connection.pendingUntil));
      return {
        outcome: 'connected',
        consent: authorised,
        writes: [
          update(consents, consent, authorised),
          insert(connections, connection.id, connection),
          ...(request.subject === undefined
            ? [insert(users, authorised.userId, makeUser(authorised, now))]
            : []),
        ],
      };
    },

    takeBack({ value: { visit } }) {
      if (visit) withdraw(visit);
    },

    async leave({ value: { consentId, visit } }) {
      if (visit) withdraw(visit);
      const consent = consentId === undefined ? undefined : await storage.get(consents, consentId);
      if (consent?.value.status !== 'awaiting_authorisation') return [];
      const rejected = moveConsent(consent.value, 'rejected', new Date(clock.now()));
      return [update(consents, consent, rejected)];
    },
  };
}

/** Whether a consent made on an earlier departure is the one to leave with again. */
function isDeparting({ institutionId, status }: Consent, journey: Journey): boolean {
  return institutionId === journey.institutionId && status === 'awaiting_authorisation';
}

/** The person of a one-time visit, who did not exist before. */
function makeUser({ userId, clientId }: Consent, now: Date): User {
  const at = now.toISOString();
  return {
    userId,
    clientId,
    managedBy: 'user',
    userType: 'live',
    createdAt: at,
    updatedAt: at,
    lastAccessed: at,
  };
}
