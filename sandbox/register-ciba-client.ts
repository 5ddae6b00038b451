import { join } from 'node:path';
import type { ClientMetadata } from '../core/clients.js';
import type { CertificateAuthority } from './certificate-authority.js';
import { openClientKeys, publicJwk } from './client-keys.js';
import type { SandboxUrls } from './ports.js';
import { writePrivateFile } from './write-private-file.js';

interface CibaClientDeps {
  /** Absolute. */
  readonly directory: string;
  readonly authority: CertificateAuthority;
  readonly urls: SandboxUrls;
}

/**
 * The bank's client of profile `fapi-ciba`, which polls. All that an outside client needs to be it is
 * written to `ciba.json`.
 * @returns its registration.
 */
export async function registerCibaClient(deps: CibaClientDeps): Promise<ClientMetadata> {
  const { directory, authority, urls } = deps;
  const name = 'fapi-ciba';
  const { clientId, jwk } = await openClientKeys(join(directory, 'keys', `${name}.json`), 'PS256');
  const registration = {
    client_id: clientId,
    client_name: 'Ledgerlight at the till',
    profile: name,
    grant_types: ['urn:openid:params:grant-type:ciba', 'refresh_token', 'client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'openid offline_access accounts',
    token_endpoint_auth_method: 'private_key_jwt',
    tls_client_certificate_bound_access_tokens: true,
    backchannel_token_delivery_mode: 'poll',
    backchannel_user_code_parameter: true,
    backchannel_authentication_request_signing_alg: 'PS256',
    id_token_signed_response_alg: 'PS256',
  };
  const document = {
    issuer: `${urls.bank}/oidc`,
    discovery: `${urls.bank}/oidc/.well-known/openid-configuration`,
    api: `${urls.bankMtls}/open-banking/v3.1/aisp`,
    ca: authority.certificate,
    approvals: `${urls.bank}/approvals`,
    decide: `${urls.phone}/ciba-decide?auth_req_id={auth_req_id}&action={action}`,
    client: { ...registration, jwks: { keys: [jwk] }, ...(await authority.client(name)) },
  };
  await writePrivateFile(join(directory, 'ciba.json'), `${JSON.stringify(document, null, 2)}\n`);
  return { ...registration, jwks: { keys: [publicJwk(jwk)] } };
}
