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

/** What a person's yes leaves: the consent, its Grant, and the connection that waits for its client. */
export async function seedConsent(
  { provider, storage, configuration }: RunningAssent,
  visit: Visit,
  clock = systemClock,
) {
  const { clientId, scope = 'openid accounts:read', seconds = 600 } = visit;
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
      permissions: ['ReadAccountsBasic'],
      expiresAt: expiresAt.toISOString(),
      tppConsent: true,
      status: 'authorised',
      history: [],
    }),
  ]);
  await runAt(clock, async () => {
    const grant = new provider.Grant({ accountId: seededUserId, clientId });
    grant.jti = grantId;
    grant.exp = Math.floor(expiresAt.getTime() / 1000);
    grant.addOIDCScope('openid offline_access');
    grant.addOIDCClaims(['sub', 'mh:con_id', 'auth_time']);
    grant.addResourceScope(resource, scope);
    await grant.save();
  });
  return { connection, grantId, expiresAt, resource, scope };
}

/** A code as the authorization flow leaves it, and the consent and connection that wait for it. */
export async function seedCode(assent: RunningAssent, visit: Visit, clock = systemClock) {
  const { provider } = assent;
  const client = await provider.Client.find(visit.clientId);
  if (!client) throw new Error('the client is not configured');
  const { resource, scope, ...seeded } = await seedConsent(assent, visit, clock);
  const code = await runAt(clock, () =>
    new provider.AuthorizationCode({
      accountId: seededUserId,
      client,
      grantId: seeded.grantId,
      gty: 'authorization_code',
      redirectUri: seededRedirectUri,
      resource,
      scope,
    }).save(),
  );
  return { code, ...seeded };
}

/**
 * Goes to an authorization URL as a browser does, says yes without a bank, and comes back.
 * @returns the answer that leads to the client.
 */
export async function seedVisit(
  assent: RunningAssent,
  url: string,
  visit: Visit,
  clock = systemClock,
) {
  const begun = await assent.fetch(url);
  const uid = begun.headers.get('location')?.split('/interaction/')[1] ?? '';
  const interaction = await assent.provider.Interaction.find(uid);
  if (!interaction) throw new Error(`no visit began: ${begun.headers.get('location')}`);
  const seeded = await seedConsent(assent, visit, clock);
  interaction.result = {
    login: { accountId: seededUserId },
    consent: { grantId: seeded.grantId },
  };
  await runAt(clock, () => interaction.persist());
  const cookie = begun.headers.getSetCookie().map((text) => text.split(';')[0]);
  const returned = await assent.fetch(`/oidc/auth/${uid}`, {
    headers: { cookie: cookie.join('; '), accept: 'text/html' },
  });
  return { params: interaction.params, returned, ...seeded };
}
