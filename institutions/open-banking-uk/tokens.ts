import {
  authorizationCodeGrant,
  ResponseBodyError,
  refreshTokenGrant,
  type TokenEndpointResponse,
} from 'openid-client';
import type { Clock } from '../../core/clock.js';
import { invalidAnswer } from '../institution-errors.js';
import { type Attempt, type Authorization, authorizationLost } from './authorization.js';
import type { WithBankConfiguration } from './bank-configuration.js';

export interface ExchangedCode {
  readonly authorization: Authorization;
  /** The person as the bank names them; absent where it names them not. */
  readonly subject: string | undefined;
}

/** Tokens of one person's authorization. */
export interface Tokens {
  /** Exchanges the code of a callback whose state and issuer were checked. */
  exchange(attempt: Attempt, callbackUrl: URL): Promise<ExchangedCode>;
  /** @throws {InstitutionError} `authorization_lost` where the bank takes the refresh token no more. */
  refresh(authorization: Authorization): Promise<Authorization>;
}

interface TokensDeps {
  readonly bankName: string;
  readonly withConfiguration: WithBankConfiguration;
  readonly clock: Clock;
}

// For a bank that does not say how long its access tokens live.
const assumedLifetimeSeconds = 300;

export function createTokens({ bankName, withConfiguration, clock }: TokensDeps): Tokens {
  const refreshing = new Map<string, Promise<Authorization>>();

  function toAuthorization(
    { intentId, permissions }: Pick<Authorization, 'intentId' | 'permissions'>,
    { access_token, refresh_token, expires_in = assumedLifetimeSeconds }: TokenEndpointResponse,
  ): Authorization {
    return {
      intentId,
      permissions,
      accessToken: access_token,
      accessTokenExpiresAt: new Date(clock.now() + expires_in * 1000).toISOString(),
      ...(refresh_token !== undefined && { refreshToken: refresh_token }),
    };
  }

  async function redeem(authorization: Authorization, refreshToken: string) {
    const response = await withConfiguration(async (configuration) => {
      try {
        return await refreshTokenGrant(configuration, refreshToken);
      } catch (error) {
        if (error instanceof ResponseBodyError && error.error === 'invalid_grant') {
          throw authorizationLost(bankName, new Error('refresh: invalid_grant'));
        }
        throw error;
      }
    });
    // RFC 6749 §6: where no new refresh token comes, the old one stays good.
    return { refreshToken, ...toAuthorization(authorization, response) };
  }

  return {
    exchange: (attempt, callbackUrl) =>
      withConfiguration(async (configuration) => {
        const response = await authorizationCodeGrant(configuration, callbackUrl, {
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          pkceCodeVerifier: attempt.codeVerifier,
          idTokenExpected: true,
        });
        // The tokens must be for the intent that this person agreed to, not for another one.
        const claims = response.claims();
        if (claims?.openbanking_intent_id !== attempt.intentId) {
          throw invalidAnswer(bankName, new Error('unexpected openbanking_intent_id'));
        }
        // UK banks may put the intent there, which says nothing of who the person is.
        const subject = claims.sub === attempt.intentId ? undefined : claims.sub;
        return { authorization: toAuthorization(attempt, response), subject };
      }),

    async refresh(authorization) {
      const { refreshToken } = authorization;
      if (refreshToken === undefined) {
        throw authorizationLost(bankName, new Error('no refresh token'));
      }
      // Readers of one connection share one refresh: a bank that rotates takes a second for a theft.
      const running = refreshing.get(refreshToken);
      if (running) return running;
      const refreshed = redeem(authorization, refreshToken).finally(() => {
        refreshing.delete(refreshToken);
      });
      refreshing.set(refreshToken, refreshed);
      return refreshed;
    },
  };
}
