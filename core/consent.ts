import { isDeepStrictEqual } from 'node:util';
import type { Collection } from './storage.js';

/**
 * Where a consent stands; `rejected` and `revoked` are final. That it expired is read from the clock:
 * an expired consent can be extended, a revoked one cannot.
 */
export type ConsentStatus = 'awaiting_authorisation' | 'authorised' | 'rejected' | 'revoked';

/** How a step of a consent came about: which visit or, for `api`, the client's own consent screen. */
export type ConsentMeans = 'connect' | 'reauth' | 'refresh' | 'reconsent' | 'api';

/** One step in the life of a consent, as its history keeps it. */
export interface ConsentStep {
  readonly status: ConsentStatus;
  /** ISO 8601 */
  readonly at: string;
  /** How it was given or extended; absent where it was ended. */
  readonly means?: ConsentMeans | undefined;
  /** ISO 8601: its end, as agreed in this step. */
  readonly expiresAt?: string | undefined;
  /** The permissions, as agreed in this step. */
  readonly permissions?: readonly string[] | undefined;
  /** The auth request it came through, where it was one. */
  readonly authRequestId?: string | undefined;
}

/** What a person agrees to, and agrees to again. */
export interface AgreedTerms {
  readonly permissions: readonly string[];
  /** ISO 8601: no transaction booked before this is shared. */
  readonly transactionFrom?: string | undefined;
  /** ISO 8601: the end of everything this consent allows. */
  readonly expiresAt: string;
  /**
   * Whether the client may extend it by reconsent; false where it set the expiry itself at the bank's
   * visit, and for one-time access (identity-service.md §3.3).
   */
  readonly tppConsent: boolean;
}

/**
 * What one person agreed that one client may see (architecture decision 4): made before the bank is
 * visited, bound to one subject for ever, owning the `oidc-provider` Grant of the same id.
 */
export interface Consent extends AgreedTerms {
  /** UUID; also the id of the Grant. */
  readonly id: string;
  readonly clientId: string;
  readonly userId: string;
  readonly connectionId: string;
  readonly institutionId: string;
  /** One-time access makes its own user and lasts a day by default; ongoing belongs to a user. */
  readonly access: 'one-time' | 'ongoing';
  readonly status: ConsentStatus;
  readonly history: readonly ConsentStep[];
  /** ISO 8601: when its client was last reminded of what; a new end changes nothing of it. */
  readonly reminded?: Partial<Record<Reminder, string>> | undefined;
}

/** That a consent is about to end, and that a connection's data no longer arrives. */
export type Reminder = 'reauthReminder' | 'refreshReminder';

/**
 * Consents by id, by the connection they are for, by user, and by client in the order in which they
 * were made: the index value is `<client id>|<ISO 8601>`.
 */
export const consents: Collection<Consent> = {
  name: 'consent',
  indexes: ['connection', 'user', 'made'],
  indexValues: ({ connectionId, userId, clientId, history: [made] }) => ({
    connection: connectionId,
    user: userId,
    made: `${clientId}|${made?.at ?? ''}`,
  }),
};

/** Whether a consent allows anything at `now` (milliseconds since the epoch). */
export function isLive(consent: Consent, now: number): boolean {
  return consent.status === 'authorised' && Date.parse(consent.expiresAt) > now;
}

/** The consent in its next status, with the step written into its history. */
export function moveConsent(consent: Consent, status: ConsentStatus, at: Date): Consent {
  return {
    ...consent,
    status,
    history: [...consent.history, { status, at: at.toISOString() }],
  };
}

/** Steps that a consent keeps apart: it is read whole with the data that it allows. */
const mostSteps = 100;

/**
 * The consent as its person agreed to it, for the first time or again: authorised, with these terms.
 * What a client extends again and again on its own screen is one step, as of the last time.
 */
export function authoriseConsent(
  consent: Consent,
  terms: AgreedTerms,
  step: {
    readonly means: ConsentMeans;
    readonly at: Date;
    readonly authRequestId?: string | undefined;
  },
): Consent {
  const { permissions, transactionFrom, expiresAt, tppConsent } = terms;
  const { means, authRequestId } = step;
  const at = step.at.toISOString();
  const status = 'authorised';
  const { history } = consent;
  const last = history.at(-1);
  const isRepeated =
    means === 'api' && last?.means === 'api' && isDeepStrictEqual(last.permissions, permissions);
  const isFull = history.length >= mostSteps;
  return {
    ...consent,
    ...{ permissions, transactionFrom, expiresAt, tppConsent, status },
    history: [
      ...(isRepeated || isFull ? history.slice(0, -1) : history),
      { status, at, means, expiresAt, permissions, ...(authRequestId && { authRequestId }) },
    ],
  };
}
