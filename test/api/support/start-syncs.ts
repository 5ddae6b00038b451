import { connections } from '../../../core/connection.js';
import { jobs } from '../../../core/job.js';
import { connectPerson } from './connect-person.js';
import { startApi } from './start-api.js';

export type SyncClient = Awaited<ReturnType<typeof startSyncs>>;

/** The REST API, at a bank where people have one account. */
export async function startSyncs() {
  const api = await startApi();
  api.bank.accounts = [
    { upstreamId: 'a1', name: 'a1', type: 'cash:current', holder: 'personal', currency: 'GBP' },
  ];
  return {
    api,
    /** A person whose first sync has ended. */
    async synchronised(given: Parameters<typeof connectPerson>[1] = {}) {
      const person = await connectPerson(api, given);
      // Syncs are in the order of time, and no two of them begin at once.
      api.clock.advance(1);
      await api.syncs.finish(await api.syncs.first(person.connectionId));
      return person;
    },
    writer: (subject: string, more = {}) =>
      api.issue('accounts:read accounts:write:all', { subject, ...more }),
    request: (connectionId: string, token: string, body: object = {}) =>
      api.call('post', `/v3/sync/${connectionId}`, token, body),
    read: async (id: string) => (await api.storage.get(connections, id))?.value,
    /** The plan of the next sync that nobody asks for. */
    automatic: async (id: string) => (await api.storage.get(jobs, `automatic-sync:${id}`))?.value,
  };
}
