import type { Configuration } from '../../config/schema.js';

/** Endpoints that a client with a certificate calls under the mTLS name (RFC 8705 §5). */
const mtlsEndpoints = {
  token_endpoint: '/oidc/token',
  pushed_authorization_request_endpoint: '/oidc/request',
  introspection_endpoint: '/oidc/token/introspection',
  revocation_endpoint: '/oidc/token/revocation',
};

const lists = ['all', 'api', 'legacy', 'test', 'beta', 'payments'];

interface DiscoveryPolicy {
  readonly role: Configuration['role'];
  readonly publicUrl: string;
  readonly mtlsUrl: string;
}

/** What discovery says beyond what the library knows (identity-service.md §1.4). */
export function discoveryConfiguration({ role, publicUrl, mtlsUrl }: DiscoveryPolicy) {
  return {
    discovery: {
      mtls_endpoint_aliases: prefix(mtlsUrl, mtlsEndpoints),
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
