import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { findActiveClient, isOperatorScope } from '../core/clients.js';
import type { Storage } from '../core/storage.js';

/**
 * Whether a request asks for what operators alone may do; then it must ask for nothing else, with
 * `client_credentials`, as a client that the command has made an operator.
 * @throws {errors.InvalidScope} where it may not.
 */
export async function asksAsOperator(
  storage: Pick<Storage, 'get'>,
  { oidc }: KoaContextWithOIDC,
  scopes: readonly string[],
): Promise<boolean> {
  const own = scopes.filter(isOperatorScope);
  if (own.length === 0) return false;
  const isAlone = own.length === scopes.length;
  const isForItself = oidc.route === 'token' && oidc.params?.grant_type === 'client_credentials';
  if (isAlone && isForItself) {
    const client = await findActiveClient(storage, oidc.client?.clientId ?? '');
    const allowed = client?.value.operator ?? [];
    if (own.every((scope) => allowed.includes(scope))) return true;
  }
  throw new errors.InvalidScope('this scope is for operators', own.join(' '));
}
