import type { Client, KoaContextWithOIDC } from 'oidc-provider';
import { profileOf } from './profiles.js';

/** Whether this request has to come with a `code_challenge` (RFC 7636). */
export function isPkceRequired({ oidc }: KoaContextWithOIDC, client: Client): boolean {
  const { pkce } = profileOf(client);
  // FAPI 1.0 Advanced §5.2.2-18
  const isPushed = oidc.route === 'pushed_authorization_request';
  return pkce === 'always' || (pkce === 'pushed' && isPushed);
}
