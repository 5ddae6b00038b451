import { authorizationCodeGrant } from 'openid-client';
import { z } from 'zod';
import type { Connected, Journey } from './journey.js';
import type { OAuthClient } from './oauth-client.js';
import { StepFailure } from './step-failure.js';

const identity = z.object({ sub: z.string(), 'mh:con_id': z.string() });

/**
 * Checks what the browser brought back (state, iss, error) and exchanges its code.
 * @param callback the address it came to, query included.
 * @throws {StepFailure}
 */
export async function redeemCode(
  client: OAuthClient,
  journey: Journey,
  callback: URL,
): Promise<Connected> {
  const { configuration, exchanges, dpop } = await client.begin(journey.server);
  try {
    const tokens = await authorizationCodeGrant(
      configuration,
      callback,
      {
        expectedState: journey.state,
        expectedNonce: journey.nonce,
        pkceCodeVerifier: journey.codeVerifier,
        idTokenExpected: true,
      },
      // Lets a connection that began in one browser finish in another.
      journey.userId === undefined ? undefined : { sub: journey.userId },
      dpop,
    );
    const claims = identity.parse(tokens.claims());
    return {
      accessToken: tokens.access_token,
      userId: claims.sub,
      connectionId: claims['mh:con_id'],
      exchanges,
    };
  } catch (cause) {
    throw new StepFailure(exchanges, cause);
  }
}
