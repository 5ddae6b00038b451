import type { Provider } from 'oidc-provider';
import { beforeKeyUse, replaceKeys } from '../internals.js';
import type { SigningKeys } from './signing-keys.js';

/** Has the library sign with, and publish, the keys as they are at the moment. */
export function followKeys(provider: Provider, keys: SigningKeys): void {
  keys.onChange(() => replaceKeys(provider, keys.published()));
  beforeKeyUse(provider, keys.ready);
}
