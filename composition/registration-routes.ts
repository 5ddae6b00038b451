import { randomBytes, randomUUID } from 'node:crypto';
import type Router from '@koa/router';
import type { Provider } from 'oidc-provider';
import { createRegistrationApi } from '../api/registration/create-registration-api.js';
import { createRemoteKeyCheck } from '../api/registration/find-remote-key-faults.js';
import { createOwnTokenReader } from '../api/registration/read-own-token.js';
import type { Configuration } from '../config/schema.js';
import type { ClientHoldings } from '../core/client-holdings.js';
import { createClientPlanner } from '../core/client-plan.js';
import type { ClientRules } from '../core/client-rules.js';
import type { Clock } from '../core/clock.js';
import { createClientRegistration } from '../core/registration/client-registration.js';
import {
  createInitialAccessTokens,
  type InitialAccessTokens,
} from '../core/registration/initial-access-tokens.js';
import { isKnownScope } from '../core/scopes.js';
import type { Storage } from '../core/storage.js';
import { readClientCertificate } from '../http/client-certificate.js';
import { createKeyFetcher } from '../http/remote-keys.js';
import { createAccessTokenReader } from '../provider/access-token-reader.js';
import { resourceOf, scopesSupported } from '../provider/configuration/scopes.js';
import type { Foundation } from './role.js';

interface RegistrationRoutesDeps extends Foundation {
  readonly provider: Provider;
  readonly rules: ClientRules;
  readonly holdings: ClientHoldings;
}

/** Where clients register themselves, in both roles, where the operator lets them. */
export function createRegistrationRoutes(deps: RegistrationRoutesDeps): readonly Router[] {
  const { configuration, provider, storage, clock, guardedFetch, rules } = deps;
  const { publicUrl, mtlsUrl, features, registration } = configuration;
  if (!features.registration) return [];
  const fetchKeys = createKeyFetcher(guardedFetch, clock);
  return [
    createRegistrationApi({
      ...deps,
      ...{ registration, fetchKeys },
      tokens: openInitialAccessTokens(deps),
      audiences: [`${publicUrl}/oidc`, `${publicUrl}/oidc/reg`, `${mtlsUrl}/oidc/reg`],
      origins: [publicUrl, mtlsUrl],
      readOwnToken: createOwnTokenReader({
        ...{ storage, clock, origins: [publicUrl, mtlsUrl] },
        tokens: createAccessTokenReader(provider, resourceOf(configuration)),
        readCertificate: (request) => readClientCertificate(request, clock),
      }),
      clients: createClientRegistration({
        ...{ storage, clock, rules, newSecret },
        planClient: createClientPlanner(deps),
        newId: randomUUID,
        findRemoteKeyFaults: createRemoteKeyCheck(rules, fetchKeys),
      }),
    }),
  ];
}

/** The tokens that operators make, for the command and for the endpoint. */
export function openInitialAccessTokens({
  storage,
  clock,
  configuration,
}: {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly configuration: Configuration;
}): InitialAccessTokens {
  const scopes = new Set(scopesSupported(configuration));
  const isPattern = configuration.role === 'bank' ? () => false : isKnownScope;
  return createInitialAccessTokens({
    ...{ storage, clock, newId: randomUUID, newSecret },
    isScope: (word) => scopes.has(word) || isPattern(word),
  });
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}
