import { randomUUID } from 'node:crypto';
import { clientCredentialsGrant } from 'openid-client';
import { z } from 'zod';
import type { JourneyDeps } from './begin-journey.js';
import { callApi } from './call-api.js';
import type { Journey } from './journey.js';
import type { Step } from './oauth-client.js';
import type { ConnectedJourney } from './read-data.js';
import { ApiFailure, StepFailure } from './step-failure.js';

const started = z.object({
  data: z.object({
    id: z.string(),
    redirectParams: z.object({ authUrl: z.url(), state: z.string() }),
  }),
});
const completed = z.object({
  data: z.object({
    status: z.enum(['complete', 'error']),
    errorDescription: z.string().optional(),
    userId: z.string().optional(),
    connectionId: z.string().optional(),
  }),
});

/**
 * Asks for the bank's own address, for a client that shows its own screens: the person signs in at the
 * bank again, and sees no page of Assent. @throws {StepFailure}
 */
export async function beginAuthRequest(
  { client, api, clock }: JourneyDeps,
  { id: journeyId, choice, connected: { userId, connectionId } }: ConnectedJourney,
): Promise<Journey> {
  const step = await client.begin().catch((cause: unknown) => {
    throw new StepFailure([], cause);
  });
  try {
    const { data } = await callApi(step, {
      accessToken: await writeToken(step),
      method: 'POST',
      url: new URL('/auth-requests', api),
      body: { scope: 'openid reauth', userId, connectionId, redirectUri: client.redirectUri },
      document: started,
    });
    return {
      ...{ choice, userId },
      id: randomUUID(),
      startedAt: new Date(clock.now()),
      server: step.configuration.serverMetadata(),
      renews: { journeyId, by: 'reauth' },
      state: data.redirectParams.state,
      redeems: { authRequestId: data.id },
      authorizationUrl: data.redirectParams.authUrl,
      requestExchanges: step.exchanges,
    };
  } catch (cause) {
    throw new StepFailure(step.exchanges, cause);
  }
}

/**
 * Hands on what the bank's redirect brought, as it is.
 * @throws {ApiFailure} where the request was refused, or its visit gave nothing.
 */
export async function completeAuthRequest(step: Step, api: string, id: string, callback: URL) {
  const { data } = await callApi(step, {
    accessToken: await writeToken(step),
    method: 'PATCH',
    url: new URL(`/auth-requests/${id}`, api),
    body: { authParams: Object.fromEntries(callback.searchParams) },
    document: completed,
  });
  const { status, errorDescription, userId, connectionId } = data;
  if (status === 'error' || userId === undefined || connectionId === undefined) {
    throw new ApiFailure(status, errorDescription ?? 'The visit to the bank gave nothing.');
  }
  return { userId, connectionId };
}

async function writeToken({ configuration, dpop }: Step): Promise<string> {
  const scope = 'auth_requests:write';
  return (await clientCredentialsGrant(configuration, { scope }, dpop)).access_token;
}
