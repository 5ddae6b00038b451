import { createHash, randomBytes } from 'node:crypto';
import type { ClaimsParameter, Provider } from 'oidc-provider';
import type { SeedKind } from './server-protocol.js';
import { benchClientId, redirectUri, visitScope } from './workspace.js';

/** What every code is bound to (RFC 7636 §4.1); one for all, the server does not mind. */
export const codeVerifier = 'a-code-verifier-of-the-bench-which-has-43-characters';
export const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');

interface SeedDeps {
  readonly provider: Provider;
  /** The resource that data scopes belong to; absent where the provider has none. */
  readonly resource?: string;
  /** What each person's visit asked the ID token to say. */
  readonly claims?: ClaimsParameter;
  /** Told of each grant made, to store what belongs to it. */
  readonly onGrant?: (grantId: string, accountId: string) => Promise<void>;
}

const lifetimeSeconds = 3600;
const atOnce = 250;

/** Stores what a person's visits would have left, with the provider's own models. */
export async function seedModels(
  deps: SeedDeps,
  kind: SeedKind,
  count: number,
): Promise<readonly string[]> {
  const values: string[] = [];
  while (values.length < count) {
    const batch = Array.from({ length: Math.min(atOnce, count - values.length) }, () =>
      seedOne(deps, kind),
    );
    values.push(...(await Promise.all(batch)));
  }
  return values;
}

async function seedOne({ provider, resource, claims, onGrant }: SeedDeps, kind: SeedKind) {
  const client = await provider.Client.find(benchClientId);
  if (!client) throw new Error('The client of the bench is not registered');
  const accountId = randomBytes(12).toString('hex');
  const grant = new provider.Grant({ accountId, clientId: benchClientId });
  grant.addOIDCScope(resource ? 'openid offline_access' : visitScope);
  if (resource) grant.addResourceScope(resource, visitScope);
  grant.addOIDCClaims(Object.keys(claims?.id_token ?? {}));
  const grantId = await grant.save();
  await onGrant?.(grantId, accountId);
  const token = {
    client,
    accountId,
    grantId,
    scope: visitScope,
    authTime: Math.floor(Date.now() / 1000),
    nonce: randomBytes(8).toString('hex'),
    gty: 'authorization_code',
    expiresIn: lifetimeSeconds,
    ...(resource && { resource }),
    ...(claims && { claims }),
  };
  if (kind === 'RefreshToken') return new provider.RefreshToken(token).save();
  return new provider.AuthorizationCode({
    ...token,
    redirectUri,
    codeChallenge,
    codeChallengeMethod: 'S256',
  }).save();
}
