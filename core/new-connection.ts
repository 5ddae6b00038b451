import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.js';
import { type Connection, connections } from './connection.js';
import { type NewConnectionRequest, toAgreedTerms } from './connection-request.js';
import {
  authoriseConsent,
  type Consent,
  type ConsentStatus,
  consents,
  moveConsent,
} from './consent.js';
import { watchConsent } from './consent-clock.js';
import { report } from './event.js';
import { giveUpPendingAt } from './give-up-pending.js';
import type { Institution, InstitutionDirectory } from './institution.js';
import { orderSync } from './order-sync.js';
import { insert, type Storage, update, type Write } from './storage.js';
import { makeUserId, type User, users } from './user.js';
import { validityOf } from './validity.js';
import type { Visit, VisitPlan } from './visit.js';
import { type Authorised, type VisitHandler, visitOver } from './visit-bank.js';

interface NewConnectionDeps {
  readonly storage: Storage;
  readonly directory: InstitutionDirectory;
  readonly clock: Clock;
  /** How long a connection waits for its client to redeem the code (seconds). */
  readonly redeemWithin: number;
}

/**
 * A visit that would bring a new connection. Its consent is made before the bank is visited
 * (architecture decision 4): the write belongs into the commit that keeps the visit.
 * @param now milliseconds since the epoch.
 */
export function planConnection(
  request: NewConnectionRequest,
  institution: Institution,
  made: { readonly clientId: string; readonly authRequestId?: string | undefined },
  now: number,
): { readonly plan: VisitPlan; readonly write: Write } {
  const agreed = toAgreedTerms(request, institution.monthsInitialConsent, now);
  // A legacy bank knows no consent that could go on without it (identity-service.md §4.4).
  const terms = { ...agreed, tppConsent: agreed.tppConsent && institution.kind !== 'legacy' };
  const status: ConsentStatus = 'awaiting_authorisation';
  const consent: Consent = {
    id: randomUUID(),
    clientId: made.clientId,
    userId: request.subject ?? makeUserId(now),
    connectionId: `${institution.id}:${randomUUID()}`,
    institutionId: institution.id,
    access: request.subject === undefined ? 'one-time' : 'ongoing',
    ...terms,
    status,
    history: [
      {
        status,
        at: new Date(now).toISOString(),
        ...(made.authRequestId && { authRequestId: made.authRequestId }),
      },
    ],
  };
  return {
    plan: {
      purpose: 'connect',
      institutionId: institution.id,
      connectionId: consent.connectionId,
      consentId: consent.id,
      terms,
      authRequestId: made.authRequestId,
    },
    write: insert(consents, consent.id, consent),
  };
}

/** What a visit for a new connection comes to. */
export function createNewConnectionHandler(deps: NewConnectionDeps): VisitHandler {
  const { storage, directory, clock, redeemWithin } = deps;

  /** Not where it was revoked meanwhile, e.g. with its user: revoking is for ever. */
  async function waitingConsent({ consentId }: Pick<Visit, 'consentId'>) {
    const consent = await storage.get(consents, consentId);
    return consent?.value.status === 'awaiting_authorisation' ? consent : undefined;
  }

  function makeConnection(visit: Visit, consent: Consent, yes: Authorised): Connection {
    const institution = directory.find(consent.institutionId);
    const { authorization, subject } = yes;
    return {
      id: consent.connectionId,
      clientId: consent.clientId,
      userId: consent.userId,
      institutionId: consent.institutionId,
      institutionName: institution?.name ?? consent.institutionId,
      kind: institution?.kind ?? 'api',
      consentId: consent.id,
      connectedOn: new Date(clock.now()).toISOString(),
      accountIds: [],
      bankValidUntil: bankValidUntil(visit, yes),
      ...(subject !== undefined && { bankSubject: subject }),
      authorization,
      ...(visit.authRequestId === undefined
        ? {
            status: 'pending',
            pendingUntil: new Date(clock.now() + redeemWithin * 1000).toISOString(),
          }
        : { status: 'ok' }),
    };
  }

  return {
    async assertOpen(visit) {
      if (!(await waitingConsent(visit))) throw visitOver();
    },

    check: async (_visit, yes) => yes,

    async authorise(visit, yes) {
      const waiting = await waitingConsent(visit);
      if (!waiting) throw visitOver();
      const at = new Date(clock.now());
      const { authRequestId } = visit;
      const step = { means: 'connect', at, authRequestId } as const;
      const consent = authoriseConsent(waiting.value, visit.terms, step);
      const connection = makeConnection(visit, consent, yes);
      return {
        consent,
        connection,
        writes: [
          update(consents, waiting, consent),
          insert(connections, connection.id, connection),
          ...(consent.access === 'one-time'
            ? [insert(users, consent.userId, makeUser(consent, at))]
            : []),
          watchConsent(consent, connection),
          ...(connection.pendingUntil === undefined
            ? completion(connection, consent, at)
            : [giveUpPendingAt(connection.id, new Date(connection.pendingUntil))]),
        ],
      };
    },

    async reject(visit) {
      const consent = await waitingConsent(visit);
      if (!consent) return [];
      const rejected = moveConsent(consent.value, 'rejected', new Date(clock.now()));
      return [update(consents, consent, rejected)];
    },
  };
}

/** When the bank stops recognising the person: as it says, else with the end it was asked for. */
export function bankValidUntil(
  { terms }: VisitPlan,
  { validUntil }: Authorised,
): string | undefined {
  return validUntil?.toISOString() ?? (terms.tppConsent ? undefined : terms.expiresAt);
}

/** What completing a connection sets off, where no code is redeemed. */
function completion(connection: Connection, consent: Consent, at: Date): readonly Write[] {
  const { id: connectionId, institutionName: bankName } = connection;
  const validity = validityOf(connection, consent, at.getTime());
  return [
    ...orderSync(connection, { action: 'client-update', method: 'ADD' }, at).writes,
    report('connectionAdded', connection, { connectionId, bankName, validity }, at),
  ];
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
