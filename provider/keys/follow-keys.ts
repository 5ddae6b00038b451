import type { Provider } from 'oidc-provider';
import { beforeKeyUse, replaceKeys } from '../internals.js';
import type { EncryptionKeys } from './encryption-keys.js';
import type { SigningKeys } from './signing-keys.js';

/** Has the library sign with, and publish, the keys as they are at the moment. */
export function followKeys(
  provider: Provider,
  keys: SigningKeys,
  encryption: EncryptionKeys,
): void {
  const replace = () => replaceKeys(provider, [...keys.published(), ...encryption.published()]);
  keys.onChange(replace);
  encryption.onChange(replace);
  beforeKeyUse(provider, keys.ready);
}
