import { randomUUID } from 'node:crypto';
import {
  buildAuthorizationUrlWithJAR,
  buildAuthorizationUrlWithPAR,
  calculatePKCECodeChallenge,
  clientCredentialsGrant,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import type { Clock } from '../../core/clock.js';
import { callApi } from './call-api.js';
import { registeredUser } from './documents.js';
import type { Journey, JourneyChoice, Renewal } from './journey.js';
import type { OAuthClient, Step } from './oauth-client.js';
import type { ConnectedJourney } from './read-data.js';
import { StepFailure } from './step-failure.js';

export interface JourneyDeps {
  readonly client: OAuthClient;
  /** Base of the APIs. */
  readonly api: string;
  readonly clock: Clock;
}

/** What one-time access reads; ongoing access asks for it later, by client credentials. */
export const dataScopes = 'accounts:read accounts_details:read transactions:read:all';

/**
 * Everything before the person goes: the provider discovered, for ongoing access a user registered,
 * and the authorization request pushed.
 * @throws {StepFailure}
 */
export function beginJourney(deps: JourneyDeps, choice: JourneyChoice): Promise<Journey> {
  return prepare(deps, async (step) => {
    const userId = choice.access === 'ongoing' ? await registerUser(step, deps.api) : undefined;
    return { choice, userId, scope: scopeOf(choice), claims: claimsOf(choice, userId) };
  });
}

/** As {@link beginJourney}, to renew the connection of a journey. @throws {StepFailure} */
export function beginRenewal(
  deps: JourneyDeps,
  { id: journeyId, choice, connected: { userId, connectionId } }: ConnectedJourney,
  by: Renewal,
): Promise<Journey> {
  return prepare(deps, async () => ({
    choice,
    userId,
    renews: { journeyId, by },
    scope: `openid ${by}`,
    claims: {
      sub: { essential: true, value: userId },
      'mh:con_id': { essential: true, value: connectionId },
    },
  }));
}

interface Prepared extends Pick<Journey, 'choice' | 'userId' | 'renews'> {
  readonly scope: string;
  /** Those of the ID token. */
  readonly claims: object;
}

async function prepare(
  { client, clock }: JourneyDeps,
  decide: (step: Step) => Promise<Prepared>,
): Promise<Journey> {
  const step = await client.begin().catch((cause: unknown) => {
    throw new StepFailure([], cause);
  });
  try {
    const { scope, claims, ...journey } = await decide(step);
    const state = randomState();
    const redeems = { nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier() };
    const url = await pushRequest(step, client, {
      redirect_uri: client.redirectUri,
      response_type: 'code',
      scope,
      prompt: 'consent',
      state,
      nonce: redeems.nonce,
      code_challenge: await calculatePKCECodeChallenge(redeems.codeVerifier),
      code_challenge_method: 'S256',
      claims: JSON.stringify({ id_token: claims }),
    });
    return {
      ...journey,
      ...{ state, redeems },
      id: randomUUID(),
      startedAt: new Date(clock.now()),
      server: step.configuration.serverMetadata(),
      authorizationUrl: url.href,
      requestExchanges: step.exchanges,
    };
  } catch (cause) {
    throw new StepFailure(step.exchanges, cause);
  }
}

async function registerUser(step: Step, api: string): Promise<string> {
  const { configuration, dpop } = step;
  const token = await clientCredentialsGrant(configuration, { scope: 'user:create' }, dpop);
  const { userId } = await callApi(step, {
    accessToken: token.access_token,
    method: 'POST',
    url: new URL('/users', api),
    body: { clientUserId: 'A person of the TPP application' },
    document: registeredUser,
  });
  return userId;
}

/** Signed where the client has a key for it (RFC 9101), and pushed in either case (RFC 9126). */
async function pushRequest(
  { configuration, dpop }: Step,
  { requestKey }: OAuthClient,
  parameters: Record<string, string>,
): Promise<URL> {
  if (!requestKey) return buildAuthorizationUrlWithPAR(configuration, parameters, dpop);
  const signed = await buildAuthorizationUrlWithJAR(configuration, parameters, requestKey);
  return buildAuthorizationUrlWithPAR(configuration, signed.searchParams, dpop);
}

function scopeOf({ access, bank }: JourneyChoice): string {
  return access === 'one-time' ? `openid ${bank} ${dataScopes}` : `openid ${bank}`;
}

function claimsOf({ permissions }: JourneyChoice, userId: string | undefined) {
  return {
    sub: { essential: true, ...(userId !== undefined && { value: userId }) },
    'mh:con_id': { essential: true },
    ...(permissions.length > 0 && {
      'mh:consent': { essential: true, value: { permissions, permissionsAction: 'replace' } },
    }),
  };
}
