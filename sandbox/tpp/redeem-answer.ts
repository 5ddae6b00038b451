import { authorizationCodeGrant } from 'openid-client';
import { z } from 'zod';
import { completeAuthRequest } from './auth-requests.js';
import type { Connected, Journey } from './journey.js';
import type { OAuthClient, Step } from './oauth-client.js';
import { StepFailure } from './step-failure.js';

const identity = z.object({ sub: z.string(), 'mh:con_id': z.string() });

interface RedeemDeps {
  readonly client: OAuthClient;
  /** Base of the APIs. */
  readonly api: string;
}

/**
 * Uses what the browser brought back: exchanges the code, or completes the auth request.
 * @param callback the address it came to, query included.
 * @throws {StepFailure}
 */
export async function redeemAnswer(
  { client, api }: RedeemDeps,
  journey: Journey,
  callback: URL,
): Promise<Connected> {
  const step = await client.begin(journey.server);
  const { redeems } = journey;
  try {
    const connected =
      'authRequestId' in redeems
        ? await completeAuthRequest(step, api, redeems.authRequestId, callback)
        : await exchangeCode(step, journey, redeems, callback);
    return { ...connected, exchanges: step.exchanges };
  } catch (cause) {
    throw new StepFailure(step.exchanges, cause);
  }
}

/** Checks state, iss and error first. */
async function exchangeCode(
  { configuration, dpop }: Step,
  { state, userId }: Journey,
  { nonce, codeVerifier }: { readonly nonce: string; readonly codeVerifier: string },
  callback: URL,
) {
  const tokens = await authorizationCodeGrant(
    configuration,
    callback,
    {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
    },
    // Lets a connection that began in one browser finish in another.
    userId === undefined ? undefined : { sub: userId },
    dpop,
  );
  const claims = identity.parse(tokens.claims());
  return {
    accessToken: tokens.access_token,
    userId: claims.sub,
    connectionId: claims['mh:con_id'],
  };
}
