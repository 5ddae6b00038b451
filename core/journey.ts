import type { Collection } from './storage.js';
import { type Visit, visitIndex } from './visit.js';

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
  /** The visit to the bank that is under way; it may lead elsewhere, where the person chose anew since. */
  readonly visit?: Visit | undefined;
}

/** Journeys by the id of their interaction, and by the visit under way. */
export const journeys: Collection<Journey> = {
  name: 'journey',
  secretIds: true,
  indexes: ['visit'],
  indexValues: ({ visit }) => ({ visit: visit && visitIndex(visit.state) }),
};
