import type { JWK } from 'jose';
import type { Provider } from 'oidc-provider';
import { beforeKeyUse, replaceKeys } from '../internals.js';
import type { SigningKeys } from './signing-keys.js';

/**
 * Has the library sign with, and publish, the keys as they are at the moment.
 * @param others what it has besides them, and keeps.
 */
export function followKeys(provider: Provider, keys: SigningKeys, others: readonly JWK[]): void {
  keys.onChange(() => replaceKeys(provider, [...keys.published(), ...others]));
  beforeKeyUse(provider, keys.ready);
}
