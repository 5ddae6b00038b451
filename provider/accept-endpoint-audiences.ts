import type { Provider } from 'oidc-provider';

/**
 * Lets a client assertion name an endpoint (RFC 7523 §3, `aud`) by either of its addresses, whichever it
 * is sent to: a client with a certificate sends it to the mTLS alias and may name the endpoint that
 * discovery has (RFC 8705 §5). Whose assertions may name endpoints at all, their profile says.
 */
export function acceptEndpointAudiences(provider: Provider, origins: readonly string[]): void {
  const { prototype } = provider.OIDCContext;
  const { clientJwtAuthExpectedAudience: expected } = prototype;
  prototype.clientJwtAuthExpectedAudience = function expectEitherAddress() {
    const audiences = [...expected.call(this)];
    const paths = audiences.map((audience) => new URL(audience).pathname);
    return new Set([
      ...audiences,
      ...origins.flatMap((origin) => paths.map((path) => `${origin}${path}`)),
    ]);
  };
}
