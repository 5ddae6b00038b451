import type { KoaContextWithOIDC, Configuration as ProviderConfiguration } from 'oidc-provider';
import type { Configuration } from '../../config/schema.js';
import type { Clock } from '../../core/clock.js';
import { profileOf, remembersPeople } from '../profiles/profiles.js';
import { isShared } from './arrangements.js';

interface TokenPolicy {
  readonly role: Configuration['role'];
  readonly lifetimes: Configuration['lifetimes'];
  readonly clock: Clock;
}

/** Seconds: for as long as its Grant is kept, which decides at each use, and takes it along. */
const noEndOfItsOwn = 100 * 365 * 86_400;

/** Seconds (CIBA Core §7.1, `requested_expiry`); no bound where the client asks for none. */
function requestedExpiry(ctx: KoaContextWithOIDC): number {
  const requested = ctx.oidc.params?.requested_expiry;
  return requested === undefined ? Number.MAX_SAFE_INTEGER : Number(requested);
}

/** How and when the person was authenticated, for introspection and resources (RFC 9470 §6). */
function describeAuthentication({ oidc }: KoaContextWithOIDC) {
  const { AuthorizationCode, RefreshToken, BackchannelAuthenticationRequest } = oidc.entities;
  const { acr, authTime } =
    AuthorizationCode ?? RefreshToken ?? BackchannelAuthenticationRequest ?? {};
  return {
    ...(acr !== undefined && { acr }),
    ...(authTime !== undefined && { auth_time: authTime }),
  };
}

/** How long codes and tokens live, and when refresh tokens are given (decisions 4 and 9). */
export function tokenConfiguration({ role, lifetimes, clock }: TokenPolicy) {
  /** Nothing outlives the consent that allowed it: its Grant ends with it. Seconds, at least one. */
  function consentRemaining(ctx: KoaContextWithOIDC): number {
    const expiry = ctx.oidc.entities.Grant?.exp;
    if (expiry === undefined) return Number.MAX_SAFE_INTEGER;
    return Math.max(1, expiry - Math.floor(clock.now() / 1000));
  }

  return {
    ttl: {
      AccessToken: (ctx, _token, client) =>
        Math.min(lifetimesOf(client, lifetimes).access_token_lifetime, consentRemaining(ctx)),
      AuthorizationCode: (_ctx, _code, client) =>
        lifetimesOf(client, lifetimes).authorization_code_lifetime,
      BackchannelAuthenticationRequest: (ctx) =>
        Math.min(lifetimes.backchannelRequest, requestedExpiry(ctx)),
      ClientCredentials: (_ctx, _token, client) =>
        lifetimesOf(client, lifetimes).access_token_lifetime,
      IdToken: (_ctx, _token, client) => lifetimesOf(client, lifetimes).id_token_lifetime,
      Interaction: lifetimes.interaction,
      // The consent of the identity service can be extended, and its refresh tokens go on with it.
      RefreshToken: (ctx) => (role === 'bank' ? consentRemaining(ctx) : noEndOfItsOwn),
      Session: lifetimes.session,
      Grant: lifetimes.ongoingConsent,
    },
    // Of those who are remembered, a session's end is the end of what it gave.
    expiresWithSession: ({ oidc }, token) =>
      remembersPeople(oidc.client) && !token.scopes.has('offline_access'),
    // Every client authenticates, so a refresh token is bound to its client; rotating it would only
    // add a way to lose a person's connection with an answer lost on the wire (FAPI 2.0 SP §5.3.2.1-9).
    rotateRefreshToken: false,
    issueRefreshToken: (_ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') &&
      (!profileOf(client).arrangements || isShared(source.claims)) &&
      // At a bank every client that may refresh does, but those that sign people in.
      ((role === 'bank' && !remembersPeople(client)) || source.scopes.has('offline_access')),
    extraTokenClaims(ctx, token) {
      const { kind } = token;
      if (kind === 'ClientCredentials') {
        // The person that the grant named; it has checked who that is.
        const subject = ctx.oidc.params?.sub;
        return typeof subject === 'string' ? { sub: subject } : undefined;
      }
      if (role !== 'bank') return undefined;
      const isOfIntent = token.scopes.has('accounts') || token.rar !== undefined;
      const intent = isOfIntent && { openbanking_intent_id: token.grantId };
      return { ...describeAuthentication(ctx), ...intent };
    },
    formats: { bitsOfOpaqueRandomness: 256 },
  } satisfies Partial<ProviderConfiguration>;
}

/** A client may have less than the installation gives, never more. Seconds. */
export function lifetimesOf(
  client: { readonly [member: string]: unknown },
  lifetimes: Configuration['lifetimes'],
) {
  const { accessToken, authorizationCode, identityServiceCode, idToken } = lifetimes;
  const { fapi, longestAccess } = profileOf(client);
  // FAPI 2.0 SP §5.3.2.1-11: codes of at most 60 seconds.
  const code = fapi ? authorizationCode : identityServiceCode;
  return {
    access_token_lifetime: shorter(
      shorter(accessToken, longestAccess),
      client.access_token_lifetime,
    ),
    authorization_code_lifetime: shorter(code, client.authorization_code_lifetime),
    id_token_lifetime: shorter(idToken, client.id_token_lifetime),
  };
}

function shorter(general: number, own: unknown): number {
  return typeof own === 'number' ? Math.min(general, own) : general;
}
