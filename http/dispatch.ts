import type { RequestListener } from 'node:http';

const mount = '/oidc';
/** Below the issuer, and ours: the lists of connections, and registration. */
const ofApplication = /^\/oidc\/(?:\.well-known\/[a-z]+-connections|reg(?:\/[^/?]+)?)(?:\?|$)/;
/** RFC 8414 §3.1: the well-known part comes before the issuer's path. */
const authorizationServerMetadata = '/.well-known/oauth-authorization-server';

/**
 * Sends everything below the issuer to the provider, mounted as the library expects it (`originalUrl`
 * keeps the whole path), and the rest to the application.
 */
export function dispatch(provider: RequestListener, application: RequestListener): RequestListener {
  return function dispatchRequest(request, response) {
    const url = request.url ?? '/';
    if (url.startsWith(`${mount}/`) && !ofApplication.test(url)) {
      Object.assign(request, { originalUrl: url });
      request.url = url.slice(mount.length);
      return provider(request, response);
    }
    if (url === `${authorizationServerMetadata}${mount}`) {
      Object.assign(request, { originalUrl: mount + authorizationServerMetadata });
      request.url = authorizationServerMetadata;
      return provider(request, response);
    }
    return application(request, response);
  };
}
