import type { Client, Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Configuration as Settings } from '../../config/schema.js';
import type { Clock } from '../../core/clock.js';
import { isFromFuture } from '../clock-tolerance.js';
import { jwtTypeOf } from '../jwt-type.js';
import { profileOf, profiles, requestSigningAlgorithms } from '../profiles/profiles.js';

type Claims = Readonly<Record<string, unknown>>;

/** What a request object may be; one of another type is a JWT that was made for something else. */
const requestObjectTypes = new Set([undefined, 'oauth-authz-req+jwt', 'jwt']);

/** What authorization responses and introspection responses are signed with, in order of preference. */
export function responseSigningAlgorithms({ signing }: Pick<Settings, 'signing'>) {
  const allowed: readonly string[] = profiles['fapi2-message-signing'].signingAlgorithms;
  return signing.algorithms.filter((algorithm) => allowed.includes(algorithm));
}

/** JAR (RFC 9101), JARM and signed introspection responses (RFC 9701). */
export function messageSigningFeatures(
  { signing, features }: Pick<Settings, 'signing' | 'features'>,
  clock: Clock,
) {
  const signs = responseSigningAlgorithms({ signing }).length > 0;
  return {
    jwtIntrospection: { enabled: signs && features.introspection },
    jwtResponseModes: { enabled: signs },
    requestObjects: { enabled: true, assertJwtClaimsAndHeader: createRequestObjectCheck(clock) },
  } satisfies Configuration['features'];
}

/** Holds a request object to the client's profile, where it arrives. */
function createRequestObjectCheck(clock: Clock) {
  return function assertRequestObject(
    ctx: KoaContextWithOIDC,
    claims: Claims,
    header: Claims,
    client: Client,
  ): void {
    // What was pushed was held to the profile there, and may be the library's own record of a form.
    if (ctx.oidc.entities.PushedAuthorizationRequest) return;
    const { alg } = header;
    if (!requestSigningAlgorithms(client).some((allowed) => allowed === alg)) {
      throw refuse('its algorithm is not allowed for this client', `alg ${String(alg)}`);
    }
    if (!requestObjectTypes.has(jwtTypeOf(header))) {
      throw refuse('its typ is that of another kind of JWT');
    }
    if (isFromFuture(claims, clock)) throw refuse('it is from the future, by its iat');
    const { fapi, longestRequestObject } = profileOf(client);
    const isBackchannel = ctx.oidc.route === 'backchannel_authentication';
    if (longestRequestObject !== undefined) assertLifetime(claims, longestRequestObject);
    if (isBackchannel) assertPresent(claims, ['exp', 'iat', 'nbf', 'jti']);
    else if (fapi === '1.0 Final') assertComplete(claims);
  };
}

/**
 * FAPI 1.0 Advanced §5.2.2-10: what stands beside the object does not count, and what it leaves out is not
 * taken from the registration. What else it needs, the library asks for.
 */
function assertComplete(claims: Claims): void {
  assertPresent(claims, ['scope']);
  if (claims.redirect_uri !== undefined) return;
  const incomplete = refuse("it is missing the 'redirect_uri' claim");
  throw Object.assign(incomplete, { allow_redirect: false });
}

/** What is not expired and lives for so long was not made longer ago. */
function assertLifetime(claims: Claims, longest: number): void {
  assertPresent(claims, ['exp', 'nbf', 'aud']);
  const life = Number(claims.exp) - Number(claims.nbf);
  if (life > 0 && life <= longest) return;
  throw refuse(`its exp must be later than its nbf, by ${longest} seconds at most`);
}

function assertPresent(claims: Claims, names: readonly string[]): void {
  const missing = names.find((name) => claims[name] === undefined || claims[name] === '');
  if (missing !== undefined) throw refuse(`it is missing the '${missing}' claim`);
}

function refuse(rule: string, detail = rule): Error {
  return new errors.InvalidRequestObject(`the request object was refused: ${rule}`, { detail });
}
