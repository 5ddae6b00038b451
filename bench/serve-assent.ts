/** Assent on SQLite as it is shipped, and a channel to the bench. Started by `start-server.ts`. */
import { randomUUID } from 'node:crypto';
import { oidcCollections } from '../adapters/oidc/oidc-collections.js';
import { clients } from '../core/clients.js';
import { connections } from '../core/connection.js';
import { consents } from '../core/consent.js';
import { put, type Write } from '../core/storage.js';
import { createAssent } from '../create-assent.js';
import { answerBench } from './answer-bench.js';
import { seedModels } from './seed-models.js';
import type { Stock } from './server-protocol.js';
import { benchClientId, readConfiguration, visitScope } from './workspace.js';

const [, , workspace = ''] = process.argv;
const configuration = await readConfiguration(workspace);
const { publicUrl, mtlsUrl } = configuration;
const storageCalls: Record<string, number> = {};
const assent = await createAssent({
  configuration,
  onStorageCall({ operation, collection }) {
    const name = operation === 'commit' ? operation : `${operation} ${collection}`;
    storageCalls[name] = (storageCalls[name] ?? 0) + 1;
  },
});
const { provider, storage } = assent;
const connectionId = `bench:${randomUUID()}`;
await storeConnection();
await assent.start();

answerBench(
  {
    place: {
      issuer: provider.issuer,
      token: `${mtlsUrl}/oidc/token`,
      pushedAuthorizationRequest: `${mtlsUrl}/oidc/request`,
    },
    seed: (kind, count) =>
      seedModels({ provider, resource: `${publicUrl}/`, onGrant: storeConsent }, kind, count),
    fill: store,
    stop: () => assent.stop(),
  },
  storageCalls,
);

/** A connection whose data has been fetched, so that no bank is needed to redeem a code. */
async function storeConnection(): Promise<void> {
  const connection = {
    id: connectionId,
    clientId: benchClientId,
    userId: 'bench',
    institutionId: 'bench',
    institutionName: 'Bench',
    kind: 'test',
    consentId: '',
    status: 'ok',
    connectedOn: new Date().toISOString(),
    accountIds: [],
    authorization: {},
  } as const;
  await storage.commit([put(connections, connection.id, connection)]);
}

async function storeConsent(id: string, userId: string): Promise<void> {
  const now = new Date();
  const consent = {
    id,
    clientId: benchClientId,
    userId,
    connectionId,
    institutionId: 'bench',
    access: 'ongoing',
    permissions: ['accounts'],
    expiresAt: new Date(now.getTime() + 86_400_000).toISOString(),
    tppConsent: false,
    status: 'authorised',
    history: [{ status: 'authorised', at: now.toISOString() }],
  } as const;
  await storage.commit([put(consents, id, consent)]);
}

async function store(stock: Stock): Promise<void> {
  const model = configuration.clients.find(({ client_id }) => client_id === benchClientId);
  await commitMany(stock.clients, (number) =>
    put(clients, `client-${number}`, { ...model, client_id: `client-${number}` }),
  );
  const now = Math.floor(Date.now() / 1000);
  await commitMany(stock.grants, (number) => {
    const id = randomUUID();
    const exp = now + 90 * 86_400;
    const grant = {
      jti: id,
      kind: 'Grant',
      iat: now,
      exp,
      accountId: number.toString(16).padStart(24, '0'),
      clientId: `client-${number % stock.clients}`,
      openid: { scope: 'openid offline_access' },
      resources: { [`${publicUrl}/`]: visitScope },
    };
    return put(oidcCollections.Grant, id, grant, new Date(exp * 1000));
  });
}

async function commitMany(count: number, write: (number: number) => Write): Promise<void> {
  const size = 1000;
  for (let done = 0; done < count; done += size) {
    const length = Math.min(size, count - done);
    await storage.commit(Array.from({ length }, (_, index) => write(done + index)));
  }
}
