import {
  errors,
  type KoaContextWithOIDC,
  type Configuration as ProviderConfiguration,
  type ResponseType,
} from 'oidc-provider';
import type { Configuration } from '../../config/schema.js';
import { institutionOfScope } from '../../core/scopes.js';

/** What the authorization endpoint answers with; which of it a client may ask for, its profile says. */
export function responseTypesOffered({ role, features }: Configuration) {
  const offered: readonly (ResponseType | false)[] = [
    'code',
    features.hybridFlow && 'code id_token',
    features.implicitFlow && role === 'identity-service' && 'id_token',
  ];
  return {
    responseTypes: offered.filter((type) => type !== false),
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
