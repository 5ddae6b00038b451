import { connections } from './connection.js';
import {
  choosePermissions,
  longestConsent,
  type RenewalRequest,
  type RequestPolicy,
  sharedFrom,
} from './connection-request.js';
import { type AgreedTerms, type Consent, consents } from './consent.js';
import { isExtendable, type StoredConnection } from './extend-consent.js';
import type { InstitutionDirectory } from './institution.js';
import { Refusal } from './refusal.js';
import type { VisitScope } from './scopes.js';
import type { Storage } from './storage.js';
import type { VisitPlan } from './visit.js';

/** A connection that its person may renew, and what they would agree to. */
export interface Renewal extends StoredConnection {
  readonly purpose: VisitScope;
  readonly terms: AgreedTerms;
}

export interface RenewalPolicy extends RequestPolicy {
  /** Seconds after its end within which a consent can be extended without the bank. */
  readonly revival: number;
}

interface RenewalDeps {
  readonly storage: Storage;
  readonly directory: Pick<InstitutionDirectory, 'find'>;
}

/**
 * What a renewal is of: only the person's own connection, at the client that made it (SEC-19).
 * @throws {Refusal} `invalid_claims` where it cannot be renewed so; a connection of somebody else is
 * told from none by nothing.
 */
export async function findRenewal(
  { storage, directory }: RenewalDeps,
  clientId: string,
  request: RenewalRequest,
  policy: RenewalPolicy,
): Promise<Renewal> {
  const connection = await storage.get(connections, request.connectionId);
  const isOwn =
    connection?.value.clientId === clientId && connection.value.userId === request.subject;
  const consent =
    isOwn && connection.value.status !== 'pending'
      ? await storage.get(consents, connection.value.consentId)
      : undefined;
  if (!connection || consent?.value.status !== 'authorised') {
    throw new Refusal('invalid_claims', 'mh:con_id does not name a connection of this user');
  }
  const held = { connection, consent };
  assertRenewable(held, request, policy);
  const { purpose } = request;
  const months = directory.find(connection.value.institutionId)?.monthsInitialConsent;
  const terms =
    purpose === 'reconsent'
      ? toExtendedTerms(consent.value, request, policy)
      : toRenewedTerms(held, request, months, policy);
  return { ...held, purpose, terms };
}

/** The visit of a renewal that has one. */
export function planRenewal(
  { connection, consent, terms }: Renewal,
  purpose: 'reauth' | 'refresh',
  authRequestId?: string,
): VisitPlan {
  return {
    purpose,
    institutionId: connection.value.institutionId,
    connectionId: connection.id,
    consentId: consent.id,
    terms,
    authRequestId,
  };
}

/** Which connections each purpose is for (identity-service.md §4.3, 4.4, 4.6). */
function assertRenewable(
  held: StoredConnection,
  { purpose, permissions, transactionFrom }: RenewalRequest,
  { now, revival }: RenewalPolicy,
): void {
  if (purpose === 'refresh' && held.connection.value.kind !== 'legacy') {
    throw new Refusal('invalid_claims', 'refresh is for legacy connections: request reauth');
  }
  if (purpose !== 'reconsent') return;
  if (!isExtendable(held, now, revival)) throw noReconsent();
  if (permissions || transactionFrom) {
    throw new Refusal(
      'invalid_claims',
      'reconsent changes the expirationDateTime and nothing else',
    );
  }
}

/** For a connection whose consent cannot be extended without the bank. */
export function noReconsent(): Refusal {
  return new Refusal('invalid_claims', 'this connection takes no reconsent: request reauth');
}

function toExtendedTerms(
  { permissions, transactionFrom, tppConsent }: Consent,
  { expiresAt }: RenewalRequest,
  { now }: RenewalPolicy,
): AgreedTerms {
  const end = expiresAt ?? new Date(now + longestConsent);
  return { permissions, transactionFrom, tppConsent, expiresAt: end.toISOString() };
}

/** As at the first visit, with what was agreed then instead of the defaults. */
function toRenewedTerms(
  { connection, consent }: StoredConnection,
  request: RenewalRequest,
  monthsShared: number | undefined,
  { now, oneTimeConsent, ongoingConsent }: RenewalPolicy,
): AgreedTerms {
  const { access, permissions, transactionFrom } = consent.value;
  const lasts = (access === 'ongoing' ? ongoingConsent : oneTimeConsent) * 1000;
  const end = request.expiresAt ?? new Date(now + lasts);
  return {
    permissions: choosePermissions(permissions, request.permissions),
    transactionFrom:
      request.transactionFrom === undefined
        ? transactionFrom
        : sharedFrom(request.transactionFrom, monthsShared, now),
    expiresAt: end.toISOString(),
    tppConsent:
      access === 'ongoing' && request.expiresAt === undefined && connection.value.kind !== 'legacy',
  };
}
