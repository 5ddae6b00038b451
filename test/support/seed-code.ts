import { randomUUID } from 'node:crypto';
import { systemClock } from '../../core/clock.js';
import { type Connection, connections } from '../../core/connection.js';
import { consents } from '../../core/consent.js';
import { put } from '../../core/storage.js';
import { runAt } from '../../provider/library-clock.js';
import type { RunningAssent } from './start-assent.js';

export const seededUserId = 'a'.repeat(24);
export const seededRedirectUri = 'https://tpp.example/callback';

interface Visit {
  readonly clientId: string;
  readonly scope?: string;
  /** Of the consent. */
  readonly seconds?: number;
  readonly connection?: Partial<Connection>;
}

/** A code as the authorization flow leaves it, and the consent and connection that wait for it. */
export async function seedCode(
  { provider, storage, configuration }: RunningAssent,
  visit: Visit,
  clock = systemClock,
) {
  const { clientId, scope = 'openid accounts:read', seconds = 600 } = visit;
  const client = await provider.Client.find(clientId);
  if (!client) throw new Error('the client is not configured');
  const resource = `${configuration.publicUrl}/`;
  const grantId = randomUUID();
  const expiresAt = new Date(clock.now() + seconds * 1000);
  const shared = { clientId, userId: seededUserId, institutionId: 'north-bank' };
  const connection: Connection = {
    ...shared,
    id: `north-bank:${grantId}`,
    institutionName: 'North Bank',
    kind: 'api',
    consentId: grantId,
    status: 'pending',
    connectedOn: new Date(clock.now()).toISOString(),
    pendingUntil: new Date(clock.now() + 600_000).toISOString(),
    accountIds: [],
    authorization: {},
    ...visit.connection,
  };
  await storage.commit([
    put(connections, connection.id, connection),
    put(consents, grantId, {
      ...shared,
      id: grantId,
      connectionId: connection.id,
      access: 'one-time',
      permissions: [],
      expiresAt: expiresAt.toISOString(),
      tppConsent: true,
      status: 'authorised',
      history: [],
    }),
  ]);
  const code = await runAt(clock, async () => {
    const grant = new provider.Grant({ accountId: seededUserId, clientId });
    grant.jti = grantId;
    grant.exp = Math.floor(expiresAt.getTime() / 1000);
    grant.addOIDCScope('openid offline_access');
    grant.addResourceScope(resource, scope);
    await grant.save();
    return new provider.AuthorizationCode({
      accountId: seededUserId,
      client,
      grantId,
      gty: 'authorization_code',
      redirectUri: seededRedirectUri,
      resource,
      scope,
    }).save();
  });
  return { code, connection, grantId, expiresAt };
}
