import { randomUUID } from 'node:crypto';
import { oidcCollections } from '../adapters/oidc/oidc-collections.js';
import { type ClientMetadata, clients } from '../core/clients.js';
import { type Connection, connections } from '../core/connection.js';
import { type Consent, consents } from '../core/consent.js';
import { put, type Storage, type Write } from '../core/storage.js';
import type { Stock } from './server-protocol.js';
import { benchClientId, visitScope } from './workspace.js';

const connectionId = `bench:${randomUUID()}`;

/** A connection whose data has been fetched, so that no bank is needed to redeem a code. */
export async function storeConnection(storage: Storage): Promise<void> {
  const connection: Connection = {
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
  };
  await storage.commit([put(connections, connection.id, connection)]);
}

/** The consent that owns a grant, to that connection. */
export async function storeConsent(storage: Storage, grantId: string, userId: string) {
  const now = new Date();
  const consent: Consent = {
    id: grantId,
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
  };
  await storage.commit([put(consents, grantId, consent)]);
}

/** Clients `client-0`… with the metadata of `model`, and grants spread over them. */
export async function storeStock(
  storage: Storage,
  stock: Stock,
  { model, resource }: { readonly model: ClientMetadata; readonly resource: string },
): Promise<void> {
  await commitMany(storage, stock.clients, (number) =>
    put(clients, `client-${number}`, { ...model, client_id: `client-${number}` }),
  );
  const now = Math.floor(Date.now() / 1000);
  await commitMany(storage, stock.grants, (number) => {
    const grant = {
      jti: randomUUID(),
      kind: 'Grant',
      iat: now,
      exp: now + 90 * 86_400,
      accountId: number.toString(16).padStart(24, '0'),
      clientId: `client-${number % stock.clients}`,
      openid: { scope: 'openid offline_access' },
      resources: { [resource]: visitScope },
    };
    return put(oidcCollections.Grant, grant.jti, grant, new Date(grant.exp * 1000));
  });
}

async function commitMany(
  storage: Storage,
  count: number,
  write: (number: number) => Write,
): Promise<void> {
  const size = 1000;
  for (let done = 0; done < count; done += size) {
    const length = Math.min(size, count - done);
    await storage.commit(Array.from({ length }, (_, index) => write(done + index)));
  }
}
