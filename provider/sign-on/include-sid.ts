import type { Provider } from 'oidc-provider';

/**
 * `sid` stands in the ID tokens of clients that want to be told of a session's end in a frame
 * (OpenID Connect Front-Channel Logout §3); the library knows those that are told directly.
 */
export function includeSid(provider: Provider): void {
  const { prototype } = provider.Client;
  const { includeSid: isToldDirectly } = prototype;
  prototype.includeSid = function includesSid() {
    return isToldDirectly.call(this) || this.frontchannel_logout_session_required === true;
  };
}
