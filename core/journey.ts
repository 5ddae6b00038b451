import { hash } from 'node:crypto';
import type { ConnectorState } from './institution.js';
import type { Collection } from './storage.js';

/**
 * How far a person has come between the client's request and its answer. Kept in storage, so that a
 * reload, a second tab, another process or a later return finds it as it was left.
 */
export interface Journey {
  readonly clientId: string;
  /** The bank that was asked for or chosen. */
  readonly institutionId?: string | undefined;
  /** Whether the person said yes on our consent page (or the client shows its own). */
  readonly agreed: boolean;
  /** The consent made before the bank is visited, and the connection it would be for. */
  readonly consentId?: string | undefined;
  /** The visit to the bank that is under way. */
  readonly visit?: Visit | undefined;
}

export interface Visit {
  /** Where it leads; the journey's own may be chosen anew meanwhile, in another tab. */
  readonly institutionId: string;
  /** Ours towards the bank: unguessable, and what its callback is recognised by. */
  readonly state: string;
  readonly attempt: ConnectorState;
  /** Set by the one request that exchanges the bank's code, which works only once. */
  readonly returned: boolean;
}

/** Journeys by the id of their interaction, and by the visit under way. */
export const journeys: Collection<Journey> = {
  name: 'journey',
  secretIds: true,
  indexes: ['visit'],
  indexValues: ({ visit }) => ({ visit: visit && visitIndex(visit.state) }),
};

/** What the index `visit` holds for a state: it is a bearer secret, so only its hash. */
export function visitIndex(state: string): string {
  return hash('sha256', state, 'base64url');
}
