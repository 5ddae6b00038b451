import { hash } from 'node:crypto';
import type { AuthorizationDetail } from './authorization-details/detail-type.js';
import type { AuthenticationContext } from './bank-authentication.js';
import type { Collection, Stored } from './storage.js';

/**
 * What a client asks of a person who is not in its browser (CIBA Core §7.1), until the person has
 * decided on a device of their own. The library's record of the request says what the client gets.
 */
export interface Approval {
  /** The client's secret; the approval's own id is {@link approvalIdOf} it. */
  readonly authReqId: string;
  readonly clientId: string;
  /** The only one who may decide. */
  readonly customerId: string;
  readonly scopes: readonly string[];
  /** The intent that the request names. */
  readonly intentId?: string | undefined;
  /** What is asked detail by detail (RFC 9396), in place of an intent. */
  readonly details?: readonly AuthorizationDetail[] | undefined;
  readonly bindingMessage?: string | undefined;
  /** What the client is told with that the person has decided, in ping mode only. */
  readonly notificationToken?: string | undefined;
  /** How the person has to have been authenticated: one of these; any will do where it is absent. */
  readonly contexts?: readonly AuthenticationContext[] | undefined;
  /** How long ago the person may have signed in (seconds, `max_age`). */
  readonly maxAge?: number | undefined;
  /** ISO 8601 */
  readonly askedAt: string;
  /** ISO 8601: until when the person can decide. */
  readonly expiresAt: string;
  readonly decision?: ApprovalDecision | undefined;
}

export interface ApprovalDecision {
  readonly outcome: 'approved' | 'refused';
  /** ISO 8601 */
  readonly at: string;
}

/**
 * Approvals by id, and those that wait by whose they are and when they end, so that what is over is
 * not in the way of what is not.
 */
export const approvals: Collection<Approval> = {
  name: 'approval',
  indexes: ['waiting'],
  indexValues: (approval) => ({
    waiting: approval.decision
      ? undefined
      : waitingIndexValue(approval.customerId, approval.expiresAt),
  }),
};

/** A value of the index `waiting`. @param expiresAt ISO 8601, or what sorts after all of these. */
export function waitingIndexValue(customerId: string, expiresAt: string): string {
  return `${customerId} ${expiresAt}`;
}

/** The id that a person's pages have: it says nothing of the client's secret. */
export function approvalIdOf(authReqId: string): string {
  return hash('sha256', `approval:${authReqId}`, 'base64url');
}

/** What has become of it at `now` (milliseconds since the epoch). */
export function stateOf(
  { decision, expiresAt }: Approval,
  now: number,
): 'waiting' | 'expired' | ApprovalDecision['outcome'] {
  if (decision) return decision.outcome;
  return Date.parse(expiresAt) > now ? 'waiting' : 'expired';
}

/**
 * What a person can tell apart (FAPI-CIBA §5.2.2-2, "unique authorization context"): of several
 * requests of one client that name neither an intent nor a binding message, only the latest.
 * @returns the latest first.
 */
export function distinguishable(waiting: readonly Stored<Approval>[]): readonly Stored<Approval>[] {
  const unnamed = new Set<string>();
  return waiting
    .toSorted((one, other) => other.value.askedAt.localeCompare(one.value.askedAt))
    .filter(({ value: { clientId, intentId, bindingMessage } }) => {
      if (intentId !== undefined || bindingMessage !== undefined) return true;
      const isLatest = !unnamed.has(clientId);
      unnamed.add(clientId);
      return isLatest;
    });
}
