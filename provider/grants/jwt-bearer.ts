import { decodeProtectedHeader } from 'jose';
import { type Client, errors, type Provider } from 'oidc-provider';
import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import { assertClientCredentialsScopes } from '../../core/scopes.js';
import type { Storage } from '../../core/storage.js';
import { users } from '../../core/user.js';
import { clockTolerance, isFromFuture } from '../clock-tolerance.js';
import { registeredScope } from '../configuration/scopes.js';
import { builtInGrant, verifyWithClientKeys } from '../internals.js';
import { jwtTypeOf } from '../jwt-type.js';
import { requestSigningAlgorithms } from '../profiles/profiles.js';
import { enforce } from '../to-protocol-error.js';

export const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Longest life of an assertion (seconds), which is what the published client gives it. */
const longestLife = 600;

const claimsSchema = z.object({
  sub: z.string().min(1).max(255),
  jti: z.string().min(1).max(255),
  iat: z.number(),
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
});

interface JwtBearerDeps {
  readonly storage: Storage;
  readonly clock: Clock;
}

/**
 * `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 §2.1) as the identity service has it: the
 * client itself signs whom the token is for, one of its users or, by its own id, nobody. What comes of it
 * is what `client_credentials` with that `sub` would give (identity-service.md §2.1).
 */
export function registerJwtBearer(provider: Provider, { storage, clock }: JwtBearerDeps): void {
  const { parameters, handle } = builtInGrant(provider, 'client_credentials');

  /** RFC 7523 §3; every fault is `invalid_grant`. */
  async function readAssertion(client: Client, assertion: string) {
    assertHeader(client, assertion);
    const claims = await verifyWithClientKeys(client, assertion, {
      audience: provider.issuer,
      clockTolerance,
    }).catch((cause: unknown) => {
      throw refuse('its signature, iss, aud or times do not hold', cause);
    });
    const { data, error } = claimsSchema.safeParse(claims);
    if (!data) throw refuse(`its ${error.issues[0]?.path.join('.')} is missing or malformed`);
    const now = clock.now() / 1000;
    if (data.exp > now + longestLife + clockTolerance) throw refuse('it lives too long');
    if (isFromFuture(data, clock)) throw refuse('it was issued in the future');
    if (data.iat < now - longestLife - clockTolerance) throw refuse('it was issued long ago');
    // Meant for others too, it could be used here by any of them.
    const { issuer } = provider;
    const isOurs = (aud: string) => aud === issuer || aud.startsWith(`${issuer}/`);
    if (![data.aud].flat().every(isOurs)) throw refuse('it is for others too');
    return data;
  }

  /** Another client's user and no user at all look the same. */
  async function assertOwnUser(client: Client, userId: string): Promise<void> {
    const user = await storage.get(users, userId);
    if (user?.value.clientId !== client.clientId) throw refuse('its sub is no user of this client');
  }

  provider.registerGrantType(
    jwtBearer,
    async function exchangeAssertion(ctx) {
      const { client, params } = ctx.oidc;
      const { assertion, scope } = params;
      if (typeof assertion !== 'string' || assertion === '') {
        throw new errors.InvalidRequest("missing required parameter 'assertion'");
      }
      const { sub, jti, exp } = await readAssertion(client, assertion);
      const subject = sub === client.clientId ? undefined : sub;
      const scopes = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [];
      enforce(() =>
        assertClientCredentialsScopes(scopes, registeredScope(client), subject !== undefined),
      );
      if (subject !== undefined) await assertOwnUser(client, subject);
      // Of several uses in the whole cluster the first commit wins.
      await provider.ReplayDetection.unique(client.clientId, jti, exp + clockTolerance);
      // From where the token takes whom it is for, as with `client_credentials`.
      params.sub = subject;
      await handle(ctx);
    },
    [...parameters, 'assertion', 'resource'],
  );
}

/** An assertion and nothing else that the client signs: its request objects have a type of their own. */
function assertHeader(client: Client, assertion: string): void {
  const header = decodeHeader(assertion);
  if (!requestSigningAlgorithms(client).includes(String(header.alg))) {
    throw refuse('its algorithm is not allowed for this client');
  }
  if ((jwtTypeOf(header) ?? 'jwt') !== 'jwt') throw refuse('it is of another type');
}

function decodeHeader(assertion: string) {
  try {
    return decodeProtectedHeader(assertion);
  } catch (cause) {
    throw refuse('it is no JWT', cause);
  }
}

function refuse(rule: string, cause?: unknown): Error {
  return new errors.InvalidGrant({ detail: `the assertion was refused: ${rule}`, cause });
}
