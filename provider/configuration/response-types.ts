import {
  errors,
  type KoaContextWithOIDC,
  type Configuration as ProviderConfiguration,
  type ResponseType,
} from 'oidc-provider';
import type { Configuration } from '../../config/schema.js';
import { institutionOfScope } from '../../core/scopes.js';
import type { OfferedProfiles } from '../profiles/offered-profiles.js';

const all: readonly ResponseType[] = [
  'code',
  'code id_token',
  'id_token',
  'id_token token',
  'code token',
  'code id_token token',
];

/** What the authorization endpoint answers with; which of it a client may ask for, its profile says. */
export function responseTypesOffered(
  { features }: Configuration,
  { responseTypes }: Pick<OfferedProfiles, 'responseTypes'>,
) {
  function isSwitchedOn(type: string): boolean {
    if (type === 'code') return true;
    return type.startsWith('code ') ? features.hybridFlow : features.implicitFlow;
  }

  return {
    responseTypes: all.filter((type) => responseTypes.has(type) && isSwitchedOn(type)),
  } satisfies Partial<ProviderConfiguration>;
}

/**
 * A new connection is complete when its code is redeemed: without one it would be given up, and taken
 * back at the bank, minutes after the person has said yes.
 * @throws {errors.InvalidRequest}
 */
export function assertRedeemable({ oidc }: KoaContextWithOIDC, scopes: readonly string[]): void {
  if (oidc.params?.response_type === 'id_token' && institutionOfScope(scopes) !== undefined) {
    throw new errors.InvalidRequest('a new connection needs a response_type with code');
  }
}
