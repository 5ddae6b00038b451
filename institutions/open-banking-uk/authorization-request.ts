import {
  buildAuthorizationUrlWithJAR,
  buildAuthorizationUrlWithPAR,
  type Configuration,
  calculatePKCECodeChallenge,
  modifyAssertion,
} from 'openid-client';
import type { Attempt } from './authorization.js';
import type { SigningKey } from './bank-configuration.js';

// A bank's own app may be installed or updated in between; FAPI 1.0 Part 2 §5.2.2-13 allows an hour.
const requestObjectSeconds = 600;

/** Where the person's browser goes: a pushed request, or a signed request object by value. */
export async function buildAuthorizationUrl(
  configuration: Configuration,
  attempt: Attempt,
  options: { readonly redirectUri: string; readonly signingKey: SigningKey | undefined },
): Promise<URL> {
  const parameters = {
    response_type: 'code',
    scope: 'openid accounts',
    redirect_uri: options.redirectUri,
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: await calculatePKCECodeChallenge(attempt.codeVerifier),
    code_challenge_method: 'S256',
    claims: JSON.stringify({
      id_token: { openbanking_intent_id: { essential: true, value: attempt.intentId } },
    }),
  };
  if (!options.signingKey) return buildAuthorizationUrlWithPAR(configuration, parameters);
  const url = await buildAuthorizationUrlWithJAR(configuration, parameters, options.signingKey, {
    [modifyAssertion](_header, payload) {
      payload.exp = Number(payload.iat) + requestObjectSeconds;
    },
  });
  // FAPI 1.0 Part 2 §5.2.3: these are repeated outside where the request is not pushed.
  url.searchParams.set('response_type', parameters.response_type);
  url.searchParams.set('scope', parameters.scope);
  return url;
}
