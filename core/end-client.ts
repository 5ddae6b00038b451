import { z } from 'zod';
import type { ClientHoldings } from './client-holdings.js';
import { clients } from './clients.js';
import type { Clock } from './clock.js';
import { handleJob, type JobHandler, type JobKind, schedule } from './job.js';
import { remove, type Storage, type Write } from './storage.js';

const endClient: JobKind<{ readonly after?: string | undefined }> = {
  name: 'end-client',
  data: z.object({ after: z.string().optional() }),
};

/**
 * The write that has a client removed, once all that it has of people is ended: for the commit that
 * makes its status `ending`, from when on it is refused everything.
 */
export function endClientAt(clientId: string, at: Date): Write {
  return schedule(endClient, clientId, at, {});
}

/** Ends clients a part at a time, so that a crash costs one part and a bank that is slow delays no other. */
export function createEndClientHandler(deps: {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly holdings: ClientHoldings;
}): JobHandler {
  const { storage, clock, holdings } = deps;

  return handleJob(endClient, async ({ after }, { key }) => {
    const client = await storage.get(clients, key);
    // The configuration file has it again.
    if (client?.value.client_status !== 'ending') return { writes: [] };
    const next = await holdings.endSome(key, after);
    if (next === undefined) return { writes: [remove(clients, key, client.version)] };
    return { writes: [], again: { due: new Date(clock.now()), data: { after: next } } };
  });
}
