import type { Configuration } from '../../config/schema.js';
import { grantActions } from '../../core/grant-management.js';
import { arrangementRevocationPath } from '../middleware/revoke-arrangements.js';
import { offeredProfiles } from '../profiles/offered-profiles.js';
import { isGrantManagementOffered } from './grant-management.js';

/** Endpoints that a client with a certificate calls under the mTLS name (RFC 8705 §5). */
function mtlsEndpoints(configuration: Configuration) {
  const { features, role } = configuration;
  return {
    ...(role === 'bank' && { userinfo_endpoint: '/oidc/userinfo' }),
    token_endpoint: '/oidc/token',
    pushed_authorization_request_endpoint: '/oidc/request',
    ...(role === 'bank' &&
      features.backchannelAuthentication &&
      offeredProfiles(configuration).backchannelAlgorithms.size > 0 && {
        backchannel_authentication_endpoint: '/oidc/backchannel',
      }),
    ...(isGrantManagementOffered(configuration) && { grant_management_endpoint: '/grants' }),
    ...(features.registration && { registration_endpoint: '/oidc/reg' }),
    ...(features.introspection && { introspection_endpoint: '/oidc/token/introspection' }),
    ...(features.revocation && { revocation_endpoint: '/oidc/token/revocation' }),
  };
}

const lists = ['all', 'api', 'legacy', 'test', 'beta', 'payments'];

/** What discovery says beyond what the library knows (identity-service.md §1.4). */
export function discoveryConfiguration(configuration: Configuration) {
  const { role, publicUrl, mtlsUrl, features } = configuration;
  return {
    discovery: {
      mtls_endpoint_aliases: prefix(mtlsUrl, mtlsEndpoints(configuration)),
      ...(offeredProfiles(configuration).singleSignOn && {
        frontchannel_logout_supported: true,
        frontchannel_logout_session_supported: true,
      }),
      ...(features.registration && { registration_endpoint: `${publicUrl}/oidc/reg` }),
      ...(features.revocation &&
        offeredProfiles(configuration).arrangements && {
          cdr_arrangement_revocation_endpoint: `${mtlsUrl}/oidc${arrangementRevocationPath}`,
        }),
      ...(isGrantManagementOffered(configuration) && {
        grant_management_endpoint: `${publicUrl}/grants`,
        grant_management_actions_supported: ['query', 'revoke', ...grantActions],
        grant_management_action_required: false,
      }),
      ...(role === 'identity-service' &&
        prefix(
          publicUrl,
          Object.fromEntries(
            lists.map((list) => [
              `${list}_connections_endpoint`,
              `/oidc/.well-known/${list}-connections`,
            ]),
          ),
        )),
    },
  };
}

function prefix(base: string, paths: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, base + path]));
}
