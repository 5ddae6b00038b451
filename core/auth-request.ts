import { z } from 'zod';
import type { JobKind } from './job.js';
import type { Collection } from './storage.js';
import type { Visit } from './visit.js';

/**
 * A visit to a bank on which a client sends the person itself, and which it completes with what the
 * bank's redirect brought back (identity-service.md §4.7).
 */
export interface AuthRequest {
  /** UUID; they sort by time. */
  readonly id: string;
  readonly clientId: string;
  /** As the client named them; of one-time access, whom its completion made. */
  readonly userId?: string | undefined;
  readonly bankId: string;
  /** The connection to be renewed, or that came of it. */
  readonly connectionId?: string | undefined;
  readonly scope: string;
  /** Where the person goes from our callback: an address of the client. */
  readonly redirectUri: string;
  readonly isAsync: boolean;
  /** ISO 8601 */
  readonly createdAt: string;
  /** ISO 8601: when a pending one comes to nothing. */
  readonly expiresAt: string;
  readonly status: 'pending' | 'complete' | 'error';
  /** Why there is no connection, one plain sentence. */
  readonly reason?: string | undefined;
  /** What our callback is recognised by: `visitIndex` of the visit's state. */
  readonly stateIndex: string;
  /** The bank's address for the person's browser. */
  readonly authUrl: string;
  /** Gone when it is settled. */
  readonly visit?: Visit | undefined;
  /** What came to our callback: who answered (RFC 9207), told by the hash of the answer. */
  readonly landed?: { readonly answer: string; readonly iss: string } | undefined;
  /** The completion that was taken up: its hash, and when (ISO 8601). */
  readonly completion?: { readonly fingerprint: string; readonly at: string } | undefined;
}

/** By id, by client in the order they were made, and by the state of their visit. */
export const authRequests: Collection<AuthRequest> = {
  name: 'auth_request',
  indexes: ['client', 'state'],
  indexValues: ({ clientId, stateIndex }) => ({ client: clientId, state: stateIndex }),
};

/** Ends an auth request for which nobody came. The key is its id. */
export const endAuthRequest: JobKind<null> = { name: 'end-auth-request', data: z.null() };

/** How long the record of an auth request is kept after it was made (milliseconds). */
export const authRequestsKept = 90 * 86_400_000;

export const tooLate = 'Nobody completed it in time';

/** It as it is at `now` (milliseconds): one that nobody came for in time has failed by then. */
export function readAuthRequest(authRequest: AuthRequest, now: number): AuthRequest {
  if (authRequest.status !== 'pending' || Date.parse(authRequest.expiresAt) > now) {
    return authRequest;
  }
  return { ...authRequest, status: 'error', reason: tooLate };
}
