import { hash } from 'node:crypto';
import type { AdapterPayload } from 'oidc-provider';
import { clients } from '../../core/clients.js';
import type { Collection } from '../../core/storage.js';
import { readIdentityGrant } from './identity-grant.js';

type IndexReader = (payload: AdapterPayload) => string | undefined;

/** What `revokeByGrantId` finds the records of a grant by. */
const byGrant = { grantId: (payload: AdapterPayload) => payload.grantId };

/**
 * A collection per model of `oidc-provider` 9.13, by the model's name. The ids of all but Grant and
 * Client are bearer secrets. Indexes are those that somebody asks by, and no others: each costs a write.
 */
export const oidcCollections = {
  Grant: oidcCollection({
    name: 'grant',
    secretIds: false,
    // What a person looks for among their own; the Grants of intents and consents are found by these.
    indexes: { identityAccountId: (grant) => readIdentityGrant(grant)?.accountId },
  }),
  Session: oidcCollection({
    name: 'session',
    indexes: { uid: (session) => session.uid && secretIndexValue(session.uid) },
  }),
  AccessToken: oidcCollection({ name: 'access_token', indexes: byGrant }),
  AuthorizationCode: oidcCollection({ name: 'authorization_code', indexes: byGrant }),
  RefreshToken: oidcCollection({ name: 'refresh_token', indexes: byGrant }),
  ClientCredentials: oidcCollection({ name: 'client_credentials' }),
  Client: clients,
  InitialAccessToken: oidcCollection({ name: 'initial_access_token' }),
  RegistrationAccessToken: oidcCollection({ name: 'registration_access_token' }),
  DeviceCode: oidcCollection({
    name: 'device_code',
    indexes: {
      ...byGrant,
      userCode: (code) => code.userCode && secretIndexValue(code.userCode),
    },
  }),
  Interaction: oidcCollection({ name: 'interaction' }),
  ReplayDetection: oidcCollection({ name: 'replay_detection' }),
  BackchannelAuthenticationRequest: oidcCollection({
    name: 'backchannel_authentication_request',
    indexes: byGrant,
  }),
  PushedAuthorizationRequest: oidcCollection({ name: 'pushed_authorization_request' }),
  PreAuthorizedCode: oidcCollection({ name: 'pre_authorized_code', indexes: byGrant }),
};

/** The name of a model, as the library hands it to the adapter factory. */
export type ModelName = keyof typeof oidcCollections;

/** A secret in the form in which it may stand in an index. */
export function secretIndexValue(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

function oidcCollection({
  name,
  secretIds = true,
  indexes = {},
}: {
  readonly name: string;
  readonly secretIds?: boolean;
  readonly indexes?: Readonly<Record<string, IndexReader>>;
}): Collection<AdapterPayload> {
  const readers = Object.entries(indexes);
  return {
    name,
    secretIds,
    indexes: Object.keys(indexes),
    indexValues: (payload) =>
      Object.fromEntries(readers.map(([index, read]) => [index, read(payload)])),
  };
}
