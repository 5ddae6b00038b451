import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../core/clock.js';
import { type Connection, connections } from '../../../core/connection.js';
import { type Consent, consents } from '../../../core/consent.js';
import { defaultPermissions } from '../../../core/permissions.js';
import { put, type Storage } from '../../../core/storage.js';
import { type User, users } from '../../../core/user.js';
import { grants } from './start-api.js';

const day = 86_400_000;

/** A user with a connection whose client has redeemed the code, as the authorization flow leaves it. */
export async function connectPerson(
  { storage, clock }: { readonly storage: Storage; readonly clock: Clock },
  given: {
    readonly user?: Partial<User>;
    readonly connection?: Partial<Connection>;
    readonly consent?: Partial<Consent>;
  } = {},
) {
  const at = new Date(clock.now()).toISOString();
  const user: User = {
    userId: randomUUID().replaceAll('-', '').slice(0, 24),
    clientId: 'app',
    managedBy: 'client',
    userType: 'live',
    createdAt: at,
    updatedAt: at,
    lastAccessed: at,
    ...given.user,
  };
  const { userId, clientId } = user;
  const consentId = randomUUID();
  const connection: Connection = {
    id: `north-bank:${randomUUID()}`,
    clientId,
    userId,
    institutionId: 'north-bank',
    institutionName: 'North Bank',
    kind: 'api',
    consentId,
    status: 'ok',
    connectedOn: at,
    accountIds: [],
    authorization: { refreshToken: `of ${consentId}` },
    ...given.connection,
  };
  const consent: Consent = {
    id: consentId,
    clientId,
    userId,
    connectionId: connection.id,
    institutionId: connection.institutionId,
    access: 'ongoing',
    permissions: defaultPermissions,
    expiresAt: new Date(clock.now() + 90 * day).toISOString(),
    tppConsent: true,
    status: 'authorised',
    history: [
      { status: 'awaiting_authorisation', at },
      { status: 'authorised', at },
    ],
    ...given.consent,
  };
  await storage.commit([
    put(users, userId, user),
    put(connections, connection.id, connection),
    put(consents, consent.id, consent),
    put(grants, consent.id, { of: userId }),
  ]);
  return { userId, connectionId: connection.id, consentId };
}
