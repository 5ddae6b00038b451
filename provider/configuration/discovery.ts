import type { Configuration } from '../../config/schema.js';

/** Endpoints that a client with a certificate calls under the mTLS name (RFC 8705 §5). */
function mtlsEndpoints({ features, role }: Configuration) {
  return {
    token_endpoint: '/oidc/token',
    pushed_authorization_request_endpoint: '/oidc/request',
    ...(role === 'bank' &&
      features.backchannelAuthentication && {
        backchannel_authentication_endpoint: '/oidc/backchannel',
      }),
    ...(features.introspection && { introspection_endpoint: '/oidc/token/introspection' }),
    ...(features.revocation && { revocation_endpoint: '/oidc/token/revocation' }),
  };
}

const lists = ['all', 'api', 'legacy', 'test', 'beta', 'payments'];

/** What discovery says beyond what the library knows (identity-service.md §1.4). */
export function discoveryConfiguration(configuration: Configuration) {
  const { role, publicUrl, mtlsUrl } = configuration;
  return {
    discovery: {
      mtls_endpoint_aliases: prefix(mtlsUrl, mtlsEndpoints(configuration)),
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
