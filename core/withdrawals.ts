import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { ConnectorState, InstitutionDirectory } from './institution.js';
import type { Logger } from './logger.js';
import { type Collection, insert, remove, type Storage, type Write } from './storage.js';

/** A consent at a bank that is over here and is still to be withdrawn there. */
export interface Withdrawal {
  readonly institutionId: string;
  readonly connectionId: string;
  readonly authorization: ConnectorState;
}

/** Withdrawals by id; the index `open` lists them all. They expire with the bank's own consent. */
export const withdrawals: Collection<Withdrawal> = {
  name: 'bank_withdrawal',
  indexes: ['open'],
  indexValues: () => ({ open: 'yes' }),
};

/**
 * Withdraws consents at banks, sooner or later: the order to do so is written in the commit that
 * ends the consent here, and kept until the bank has taken it. A bank that is down, or a crash in
 * between, delays it and loses nothing.
 */
export interface Withdrawals {
  /** The order, for the commit that ends the connection. `until` is the end of the bank's consent. */
  order(connection: Connection, until: Date): { readonly id: string; readonly write: Write };
  /**
   * Carries an order out, and lets the caller go on after a few seconds where the bank is slow. A
   * failure is logged and tried again later; never throws.
   */
  carryOut(id: string): Promise<void>;
  /** Takes up what an earlier process left. Resolves when it is read; banks are not waited for. */
  start(): Promise<void>;
  stop(): void;
}

interface WithdrawalsDeps {
  readonly storage: Storage;
  readonly directory: InstitutionDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Orders taken up at start, at most; the rest follow at the next one. */
const startBatch = 1000;
/** What a caller waits for a bank at most (milliseconds). */
const patience = 3_000;
const firstPause = 60_000;
const longestPause = 6 * 3_600_000;
/** For an order whose bank consent is already over: time enough for one attempt. */
const shortestLife = 3_600_000;

/** See {@link Withdrawals}. */
export function createWithdrawals({
  storage,
  directory,
  clock,
  logger,
}: WithdrawalsDeps): Withdrawals {
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;

  async function attempt(id: string): Promise<void> {
    const stored = await storage.get(withdrawals, id);
    if (!stored) return;
    const { institutionId, authorization } = stored.value;
    await directory.connector(institutionId).revoke(authorization);
    await storage.commit([remove(withdrawals, id)]);
  }

  async function persist(id: string, pause: number): Promise<void> {
    try {
      await attempt(id);
    } catch (cause) {
      logger.warn({ withdrawal: id, cause }, 'consent not withdrawn at the bank yet');
      retryIn(id, pause);
    }
  }

  function retryIn(id: string, pause: number): void {
    if (stopped) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      void persist(id, Math.min(pause * 2, longestPause));
    }, pause);
    timers.add(timer.unref());
  }

  return {
    order({ id: connectionId, institutionId, authorization }, until) {
      const id = randomUUID();
      const end = new Date(Math.max(until.getTime(), clock.now() + shortestLife));
      const order = { institutionId, connectionId, authorization };
      return { id, write: insert(withdrawals, id, order, end) };
    },
    carryOut: (id) =>
      Promise.race([persist(id, firstPause), wait(patience, undefined, { ref: false })]),
    async start() {
      const left = await storage.find(withdrawals, {
        index: 'open',
        equals: 'yes',
        limit: startBatch,
      });
      for (const { id } of left.records) void persist(id, firstPause);
    },
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
