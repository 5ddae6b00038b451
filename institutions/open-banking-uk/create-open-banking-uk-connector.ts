import { randomNonce, randomPKCECodeVerifier } from 'openid-client';
import type { Clock } from '../../core/clock.js';
import type { InstitutionConnector } from '../../core/institution.js';
import {
  type Attempt,
  type Authorization,
  readAttempt,
  readAuthorization,
  readIntentId,
} from './authorization.js';
import { buildAuthorizationUrl } from './authorization-request.js';
import { createBankConfiguration, type SigningKey } from './bank-configuration.js';
import { createBankFetch } from './bank-fetch.js';
import { createBankSession } from './create-bank-session.js';
import { createIntents } from './intents.js';
import { describeRefusal, readCallback } from './read-callback.js';
import { createResourceClient } from './resource-client.js';
import { createTokens } from './tokens.js';

export interface OpenBankingUkConnectorDeps {
  /** As the person knows the bank; every message names it. */
  readonly bankName: string;
  readonly issuer: string;
  /** Base of the account information API, without a trailing slash. */
  readonly resourceUrl: string;
  readonly clientId: string;
  readonly tokenEndpointAuthMethod: 'private_key_jwt' | 'tls_client_auth';
  /** Needed for `private_key_jwt` and for signed requests. */
  readonly signingKey?: SigningKey | undefined;
  readonly request: 'pushed' | 'signed';
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  readonly certificateAuthority?: string | undefined;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
}

// A token that ends while it is on its way would cost a second call.
const refreshMarginMilliseconds = 30_000;

/** UK Open Banking Read/Write v3.1 account information, over FAPI 2.0 or FAPI 1.0 Advanced. */
export function createOpenBankingUkConnector(
  deps: OpenBankingUkConnectorDeps,
): InstitutionConnector {
  const { bankName, resourceUrl, request, clock } = deps;
  const bankFetch = createBankFetch(deps);
  const withConfiguration = createBankConfiguration({ ...deps, bankFetch });
  const intents = createIntents({ bankName, resourceUrl, bankFetch, withConfiguration });
  const tokens = createTokens({ bankName, withConfiguration, clock });
  const signingKey = request === 'signed' ? deps.signingKey : undefined;

  function refreshIfEnding(authorization: Authorization): Promise<Authorization> | Authorization {
    const left = Date.parse(authorization.accessTokenExpiresAt) - clock.now();
    const isEnding = left <= refreshMarginMilliseconds;
    const isUsable = left > 0 && authorization.refreshToken === undefined;
    return isEnding && !isUsable ? tokens.refresh(authorization) : authorization;
  }

  return {
    issuer: deps.issuer,

    async begin({ terms, state, redirectUri }) {
      const intent = await intents.register(terms);
      const attempt: Attempt = {
        intentId: intent.id,
        intentExpiresAt: intent.expiresAt,
        permissions: [...terms.permissions],
        state,
        nonce: randomNonce(),
        codeVerifier: randomPKCECodeVerifier(),
      };
      try {
        const url = await withConfiguration((configuration) =>
          buildAuthorizationUrl(configuration, attempt, { redirectUri, signingKey }),
        );
        return { redirectTo: url.href, attempt };
      } catch (error) {
        // Nothing stays at the bank. Where that fails too, the first failure is the one to tell.
        await intents.withdraw(attempt.intentId).catch(() => undefined);
        throw error;
      }
    },

    async complete({ attempt, callback, redirectUri }) {
      const visit = readAttempt(attempt, bankName);
      const server = await withConfiguration(async (configuration) =>
        configuration.serverMetadata(),
      );
      const answer = readCallback(callback, { bankName, state: visit.state, server });
      if ('error' in answer) {
        return { outcome: 'refused', reason: describeRefusal(answer.error, bankName) };
      }
      const callbackUrl = new URL(redirectUri);
      callbackUrl.search = callback.toString();
      const { authorization, subject } = await tokens.exchange(visit, callbackUrl);
      const { intentExpiresAt } = visit;
      return {
        outcome: 'authorised',
        authorization,
        subject,
        validUntil: intentExpiresAt === undefined ? undefined : new Date(intentExpiresAt),
      };
    },

    async open(authorization, customer) {
      const fresh = await refreshIfEnding(readAuthorization(authorization, bankName));
      return createBankSession(
        createResourceClient({ bankName, resourceUrl, bankFetch, tokens, customer }, fresh),
      );
    },

    revoke: async (state) => intents.withdraw(readIntentId(state, bankName)),

    isConsentInForce: async (state) => intents.isAuthorised(readIntentId(state, bankName)),
  };
}
