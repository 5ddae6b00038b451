/** Assent on SQLite as it is shipped, and a channel to the bench. Started by `start-server.ts`. */
import { createAssent } from '../create-assent.js';
import { answerBench } from './answer-bench.js';
import { seedModels } from './seed-models.js';
import { storeConnection, storeConsent, storeStock } from './seed-records.js';
import { benchClientId, readConfiguration } from './workspace.js';

const [, , workspace = ''] = process.argv;
const configuration = await readConfiguration(workspace);
const { publicUrl, mtlsUrl, clients } = configuration;
const resource = `${publicUrl}/`;
const storageCalls: Record<string, number> = {};
const assent = await createAssent({
  configuration,
  onStorageCall({ operation, collection }) {
    const name = operation === 'commit' ? operation : `${operation} ${collection}`;
    storageCalls[name] = (storageCalls[name] ?? 0) + 1;
  },
});
const { provider, storage } = assent;
await storeConnection(storage);
await assent.start();

answerBench(
  {
    place: {
      issuer: provider.issuer,
      token: `${mtlsUrl}/oidc/token`,
      pushedAuthorizationRequest: `${mtlsUrl}/oidc/request`,
    },
    seed: (kind, count) =>
      seedModels(
        { provider, resource, onGrant: (...grant) => storeConsent(storage, ...grant) },
        kind,
        count,
      ),
    async fill(stock) {
      const model = clients.find((client) => client.client_id === benchClientId);
      if (!model) throw new Error('The client of the bench is not in the configuration');
      await storeStock(storage, stock, { model, resource });
    },
    stop: () => assent.stop(),
  },
  storageCalls,
);
