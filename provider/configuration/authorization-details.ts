import {
  type AccessToken,
  type AuthorizationCode,
  type ClientCredentials,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import type { Configuration } from '../../config/schema.js';
import type { AuthorizationDetail } from '../../core/authorization-details/detail-type.js';
import {
  detailTypeOf,
  mostDetails,
  narrowWithin,
  readDetails,
  stillGranted,
} from '../../core/authorization-details/detail-types.js';
import type { Clock } from '../../core/clock.js';
import { offeredProfiles } from '../profiles/offered-profiles.js';
import { resourceOf } from './scopes.js';

/**
 * Rich authorization requests (RFC 9396) of the bank role: what may be asked, and what tokens get of what
 * was granted. What the person decides is `interactions/bank/decide-details.ts`.
 */
export function authorizationDetailsFeature(configuration: Configuration, clock: Clock) {
  const { role, features, resources } = configuration;
  const isOffered = role === 'bank' && offeredProfiles(configuration).readsAccounts;
  const names = isOffered ? features.authorizationDetails : [];
  const locations = [resourceOf(configuration), ...resources.map(({ identifier }) => identifier)];

  function validate(ctx: KoaContextWithOIDC, detail: AuthorizationDetail): void {
    assertFromClient(ctx);
    const type = detailTypeOf(detail);
    if (ctx.oidc.route === 'backchannel_authentication' && type.needsStrongAuthentication) {
      // Its code has to say what is agreed to (RTS art. 5); that of a sign-in for approvals does not.
      throw refuse(`a detail of type ${detail.type} needs the pages of the bank`);
    }
    const asked = readDetails(ctx.oidc.params?.authorization_details) ?? [];
    if (asked.length > mostDetails) throw refuse(`there may be ${mostDetails} details at the most`);
    const fault = type.findFault(detail, clock.now());
    if (fault !== undefined) throw refuse(fault);
    const { locations: named } = detail;
    if (Array.isArray(named) && !named.every((location) => locations.includes(location))) {
      throw refuse('locations name something else than the resources of this bank');
    }
  }

  return {
    richAuthorizationRequests: {
      enabled: names.length > 0,
      types: Object.fromEntries(names.map((name) => [name, { validate }])),

      authorizationDetailsForGrantSource: (ctx: KoaContextWithOIDC) => ctx.oidc.grant?.rar,

      authorizationDetailsForAccessToken(
        ctx: KoaContextWithOIDC,
        { aud }: Pick<AccessToken | ClientCredentials, 'aud'>,
        source: Pick<AuthorizationCode, 'rar'> | undefined,
      ) {
        if (!source) throw refuse('they are granted by a person');
        const granted = stillGranted(ctx.oidc.entities.Grant?.rar ?? [], clock.now());
        const own = (source.rar ?? [])
          .filter((detail) => narrowWithin(granted, detail))
          .filter((detail) => isFor(detail, aud));
        const asked = readDetails(ctx.oidc.params?.authorization_details);
        return asked ? asked.map((detail) => narrow(own, detail)) : own;
      },

      authorizationDetailsForIntrospection: (
        _ctx: KoaContextWithOIDC,
        token: Pick<AuthorizationCode, 'rar'>,
      ) => stillGranted(token.rar ?? [], clock.now()),
    },
  };
}

/** RFC 9396 §3.3: a token for one resource has nothing to say of another. */
function isFor({ locations }: AuthorizationDetail, audience: AccessToken['aud']): boolean {
  if (!Array.isArray(locations)) return true;
  return [audience].flat().some((resource) => locations.includes(resource));
}

/** RFC 9396 §6.1: a token is for what was granted, or less. */
function narrow(
  granted: readonly AuthorizationDetail[],
  asked: AuthorizationDetail,
): AuthorizationDetail {
  const narrowed = narrowWithin(granted, asked);
  if (narrowed) return narrowed;
  throw refuse(`a detail of type ${asked.type} asks for more than was granted`);
}

/**
 * The person's browser must not have had its hands on them (ASVS 10.4.15): they are pushed by the client,
 * or signed by it.
 */
function assertFromClient({ oidc }: KoaContextWithOIDC): void {
  if (oidc.route !== 'authorization' || oidc.entities.PushedAuthorizationRequest) return;
  if (oidc.trusted?.includes('authorization_details')) return;
  throw new errors.InvalidRequest('authorization_details have to be pushed or signed');
}

function refuse(description: string): Error {
  return new errors.InvalidAuthorizationDetails(description);
}
