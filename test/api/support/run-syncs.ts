import { connections } from '../../../core/connection.js';
import { type JobHandler, jobs } from '../../../core/job.js';
import { orderSync } from '../../../core/order-sync.js';
import { remove, type Storage, update } from '../../../core/storage.js';
import { findLatestSync, syncs } from '../../../core/sync.js';
import type { MovingClock } from '../../adapters/support/moving-clock.js';

interface SyncRunDeps {
  readonly storage: Storage;
  readonly clock: MovingClock;
  /** How each kind of job is done. */
  readonly jobs: readonly JobHandler[];
}

/** Orders syncs and does their jobs step by step, where a test wants to see what is in between. */
export function createSyncRun({ storage, clock, jobs: handlers }: SyncRunDeps) {
  /** Does a job once, as the scheduler would. @returns whether there is more of it. */
  async function runJob(id: string): Promise<boolean> {
    const job = await storage.get(jobs, id);
    if (!job) return false;
    const handler = handlers.find(({ kind }) => kind === job.value.kind);
    if (!handler) throw new RangeError(`nothing does ${id}`);
    const { writes, again } = await handler.run(job);
    const { due, data = job.value.data } = again ?? { due: new Date() };
    const next = { ...job.value, due: due.toISOString(), data };
    const own = again ? update(jobs, job, next) : remove(jobs, job.id, job.version);
    await storage.commit([own, ...writes]);
    return again !== undefined;
  }

  async function order(
    connectionId: string,
    wish: Partial<Parameters<typeof orderSync>[1]> = {},
  ): Promise<string> {
    const connection = await storage.get(connections, connectionId);
    if (!connection) throw new RangeError('no such connection');
    const whole = { action: 'client-update', method: 'UPDATE', ...wish } as const;
    const { syncId, writes } = orderSync(connection.value, whole, new Date(clock.now()));
    await storage.commit(writes);
    return syncId;
  }

  const step = (syncId: string) => runJob(`sync-connection:${syncId}`);

  async function finish(syncId: string) {
    while (await step(syncId));
    return (await storage.get(syncs, syncId))?.value;
  }

  return {
    order,
    step,
    finish,
    runAutomatic: (connectionId: string) => runJob(`automatic-sync:${connectionId}`),
    read: async (syncId: string) => (await storage.get(syncs, syncId))?.value,
    finishLatest: async (connectionId: string) => {
      const latest = await findLatestSync(storage, connectionId);
      return finish(latest?.id ?? '');
    },
    /** The first part of the first sync. */
    async first(connectionId: string) {
      const syncId = await order(connectionId, { method: 'ADD' });
      await step(syncId);
      return syncId;
    },
    /** A whole later sync. @returns how it ended. */
    update: async (connectionId: string) => finish(await order(connectionId)),
  };
}
