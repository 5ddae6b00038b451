import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { BankBudget } from './bank-budget.js';
import type { Clock } from './clock.js';
import { type Connection, connections } from './connection.js';
import { type Consent, consents, isLive } from './consent.js';
import {
  handleJob,
  type JobHandler,
  type JobKind,
  type JobOutcome,
  schedule,
  unschedule,
} from './job.js';
import { findSyncUnderWay, orderSync } from './order-sync.js';
import { retryConflict } from './retry-conflict.js';
import type { Storage, Write } from './storage.js';
import { hasStoppedSyncing, isLost } from './sync-health.js';

/** Due when a connection is to be synced by itself. The key is the connection's id. */
export const automaticSync: JobKind<Record<string, never>> = {
  name: 'automatic-sync',
  data: z.record(z.string(), z.never()),
};

/**
 * Syncs that nobody asks for: every few hours by day, legacy banks once a night. Each sync, whoever
 * ordered it, plans the next one when it ends; so there is one plan per connection, and none for a
 * connection that would not answer. What revives one (a renewal) orders a sync, and with it the plan.
 */
export interface AutomaticSyncs {
  /** For the commit that ends a sync: the connection as it is then. */
  planNext(connection: Connection, consent: Consent): Write;
  readonly handler: JobHandler;
}

interface AutomaticSyncsDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly budget: BankBudget;
  /** Hours between two of an API connection; 0 = none at all. */
  readonly everyHours: number;
}

/** See {@link AutomaticSyncs}. */
export function createAutomaticSyncs(deps: AutomaticSyncsDeps): AutomaticSyncs {
  const { storage, clock, budget, everyHours } = deps;

  function wants(connection: Connection, consent: Consent): boolean {
    const now = clock.now();
    return (
      everyHours > 0 &&
      consent.access === 'ongoing' &&
      isLive(consent, now) &&
      !isLost(connection) &&
      !hasStoppedSyncing(connection, now)
    );
  }

  /**
   * Commits by itself, and not with the job's end: on an engine without transactions the job would be
   * gone first, and a crash in between would be the last of the connection's syncs.
   */
  async function order(connectionId: string): Promise<JobOutcome<Record<string, never>>> {
    const connection = (await storage.get(connections, connectionId))?.value;
    const consent = connection && (await storage.get(consents, connection.consentId))?.value;
    if (!consent || !wants(connection, consent)) return { writes: [] };
    const now = new Date(clock.now());
    // It plans the next one when it ends.
    const underWay = await findSyncUnderWay(storage, connectionId, now);
    if (underWay) {
      await storage.commit(underWay.writes);
      return { writes: [] };
    }
    const { state, write } = await budget.spend(connection);
    if (!write) return { writes: [], again: { due: state.resetsAt ?? now } };
    const { writes } = orderSync(connection, { action: 'auto-update', method: 'UPDATE' }, now);
    await storage.commit([write, ...writes]);
    return { writes: [] };
  }

  return {
    planNext(connection, consent) {
      if (!wants(connection, consent)) return unschedule(automaticSync, connection.id);
      const due = nextAutomaticSync(connection, new Date(clock.now()), everyHours);
      return schedule(automaticSync, connection.id, due, {});
    },

    handler: handleJob(automaticSync, (_data, { key }) => retryConflict(() => order(key))),
  };
}

const hour = 3_600_000;
const day = 24 * hour;
/** Hours of the day in UTC, whatever the bank's country: syncs need no local time. */
const morning = 6;
const evening = 23;
const night = 1;
const nightHours = 4;

/**
 * When a connection is fetched next by itself: after `everyHours`, between 06:00 and 23:00 UTC; a
 * legacy one in the next night between 01:00 and 05:00. Connections spread over that by their id.
 */
export function nextAutomaticSync(
  { id, kind }: Pick<Connection, 'id' | 'kind'>,
  after: Date,
  everyHours: number,
): Date {
  const spread = createHash('sha256').update(id).digest().readUInt32BE() / 2 ** 32;
  const midnight = Math.floor(after.getTime() / day) * day;
  if (kind === 'legacy') {
    const tonight = midnight + (night + spread * nightHours) * hour;
    return new Date(tonight > after.getTime() ? tonight : tonight + day);
  }
  // Some minutes more, so that those of the same morning part.
  const next = after.getTime() + (everyHours + spread / 4) * hour;
  const hourOfDay = (next % day) / hour;
  if (hourOfDay >= morning && hourOfDay < evening) return new Date(next);
  const startOfDay = Math.floor(next / day) * day + (hourOfDay < evening ? 0 : day);
  return new Date(startOfDay + (morning + spread * Math.min(everyHours, 4)) * hour);
}
