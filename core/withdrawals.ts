import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { Clock } from './clock.js';
import type { Connection } from './connection.js';
import type { InstitutionDirectory } from './institution.js';
import { handleJob, type JobHandler, type JobKind, readJob, schedule, unschedule } from './job.js';
import type { Logger } from './logger.js';
import type { Storage, Write } from './storage.js';

/** What a bank is to forget: a consent that ended here, or a visit that led nowhere. */
const withdrawalSchema = z.object({
  institutionId: z.string(),
  connectionId: z.string(),
  authorization: z.record(z.string(), z.unknown()),
  until: z.iso.datetime(),
});

const withdraw: JobKind<z.infer<typeof withdrawalSchema>> = {
  name: 'withdraw',
  data: withdrawalSchema,
};

/**
 * Withdraws consents at banks, sooner or later: the order to do so is written in the commit that
 * ends the consent here, and kept until the bank has taken it. A bank that is down, or a crash in
 * between, delays it and loses nothing.
 */
export interface Withdrawals {
  /**
   * The order, for the commit that ends the connection or gives a visit up.
   * @param until the end of the bank's consent: after that there is nothing left to withdraw.
   */
  order(
    held: Pick<Connection, 'id' | 'institutionId' | 'authorization'>,
    until: Date,
  ): { readonly id: string; readonly write: Write };
  /**
   * Carries an order out at once, and lets the caller go on after a few seconds where the bank is
   * slow. A failure is logged and tried again later; never throws.
   */
  carryOut(id: string): Promise<void>;
  /** Carries out later what could not be at once. */
  readonly handler: JobHandler;
}

interface WithdrawalsDeps {
  readonly storage: Storage;
  readonly directory: InstitutionDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a caller waits for a bank at most (milliseconds). */
const patience = 3_000;
/** Longer than an attempt takes, which the caller of `carryOut` makes meanwhile. */
const firstRetry = 60_000;

/** See {@link Withdrawals}. */
export function createWithdrawals({
  storage,
  directory,
  clock,
  logger,
}: WithdrawalsDeps): Withdrawals {
  /** Where nothing opens the bank any more, nothing is left to be withdrawn. */
  async function withdrawAt({ institutionId, authorization }: z.infer<typeof withdrawalSchema>) {
    if (Object.keys(authorization).length === 0) return;
    await directory.connector(institutionId).revoke(authorization);
  }

  async function attempt(id: string): Promise<void> {
    try {
      const order = await readJob(storage, withdraw, id);
      if (!order) return;
      await withdrawAt(order);
      await storage.commit([unschedule(withdraw, id)]);
    } catch (cause) {
      logger.warn({ withdrawal: id, cause }, 'consent not withdrawn at the bank yet');
    }
  }

  return {
    order({ id: connectionId, institutionId, authorization }, until) {
      const id = randomUUID();
      const order = { institutionId, connectionId, authorization, until: until.toISOString() };
      return { id, write: schedule(withdraw, id, new Date(clock.now() + firstRetry), order) };
    },

    carryOut: (id) => Promise.race([attempt(id), wait(patience, undefined, { ref: false })]),

    handler: handleJob(withdraw, async (order) => {
      const { institutionId, connectionId, until } = order;
      try {
        await withdrawAt(order);
      } catch (cause) {
        if (clock.now() < Date.parse(until)) throw cause;
        logger.warn({ institutionId, connectionId, cause }, 'consent ended at the bank by itself');
      }
      return { writes: [] };
    }),
  };
}
