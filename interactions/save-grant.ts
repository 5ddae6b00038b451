import type { Provider } from 'oidc-provider';
import type { AuthorizationDetail } from '../core/authorization-details/detail-type.js';
import type { Authentication } from '../core/bank-authentication.js';
import { openidScopes } from '../core/scopes.js';

/** What the person agreed to, as the Grant that codes and tokens are made from. */
export interface GrantedAccess {
  readonly accountId: string;
  /** The consent's or intent's id, which becomes the Grant's. */
  readonly grantId: string;
  /** The Grant may be there already: it is added to, so that what was issued from it stays usable. */
  readonly renews?: boolean;
  /** Those of the request that the resource knows; what is OpenID Connect's is granted as asked. */
  readonly resourceScopes: readonly string[];
  /** Scopes of resources that the bank protects itself, by their identifiers. */
  readonly otherScopes?: readonly ResourceScopes[] | undefined;
  /** All that is granted detail by detail (RFC 9396), what a renewed Grant holds already included. */
  readonly details?: readonly AuthorizationDetail[] | undefined;
  readonly claims: readonly string[];
  readonly expiresAt: Date;
  /** How the person was authenticated, where it was here. */
  readonly authentication?: NamedAuthentication | undefined;
}

/** An authentication, called as the client calls it. */
export type NamedAuthentication = Omit<Authentication, 'acr'> & { readonly acr: string };

/** What may be done at one resource. */
export interface ResourceScopes {
  readonly identifier: string;
  readonly scopes: readonly string[];
}

/** Who asked, and for what. */
interface GrantRequest {
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** The identifier of our API in grants. */
  readonly resource: string;
}

/** Saves the Grant of what a person has agreed to, as a part of the unit of work at hand. */
export async function saveGrant(
  provider: Provider,
  { clientId, scopes, resource }: GrantRequest,
  access: GrantedAccess,
): Promise<void> {
  const { accountId, grantId } = access;
  const held = access.renews ? await provider.Grant.find(grantId) : undefined;
  const grant = held ?? new provider.Grant({ accountId, clientId });
  grant.exp = Math.floor(access.expiresAt.getTime() / 1000);
  grant.jti = grantId;
  grant.addOIDCScope(scopes.filter((scope) => openidScopes.includes(scope)).join(' '));
  grant.addOIDCClaims([...access.claims]);
  grant.addResourceScope(resource, access.resourceScopes.join(' '));
  for (const { identifier, scopes: others } of access.otherScopes ?? []) {
    grant.addResourceScope(identifier, others.join(' '));
  }
  if (access.details) grant.rar = [...access.details];
  await grant.save();
}
