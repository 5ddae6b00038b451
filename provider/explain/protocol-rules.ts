import type { KoaContextWithOIDC } from 'oidc-provider';

/** A rule of the protocol, and how the library says that it was not met. */
export interface ProtocolRule {
  readonly rule: string;
  readonly clause?: string;
  /** Whether it is asked of who somebody is: whoever does not meet it may be anybody. */
  readonly isAuthentication?: boolean;
  /** The errors that say so by themselves. */
  readonly codes?: readonly string[];
  /** In the description or the detail of other errors. */
  readonly broken?: RegExp;
  /** The parameter it is asked of. */
  readonly parameter?: string;
  /** How to tell, of a request that failed later, that it was met; without, nothing is said of it. */
  readonly met?: (oidc: KoaContextWithOIDC['oidc']) => boolean;
}

/** In the order in which requests meet them; the first that matches is told. */
export const protocolRules: readonly ProtocolRule[] = [
  {
    rule: 'the request is well-formed',
    clause: 'RFC 6749 §3.1',
    broken:
      /must not be provided twice|content-type bodies|parse the request body|body is too large|must be UTF-8|nested too deeply|malformed member/,
  },
  {
    rule: 'the client is registered',
    isAuthentication: true,
    clause: 'RFC 6749 §2.2',
    broken: /client not found|client is invalid/,
    parameter: 'client_id',
    met: ({ client }) => client !== undefined,
  },
  {
    rule: 'the client is not disabled and its metadata keeps to its profile',
    isAuthentication: true,
    clause: 'RFC 7591 §2',
    broken: /invalid_client_metadata|disabled/,
  },
  {
    rule: 'the client authenticates in one way, the registered one',
    isAuthentication: true,
    clause: 'RFC 6749 §2.3',
    broken:
      /using one mechanism|no client authentication mechanism|does not match the registered client authentication|client_id mismatch|provided client_id does not match/,
    parameter: 'client_id',
  },
  {
    rule: 'the client assertion is for this server',
    isAuthentication: true,
    clause: 'RFC 7523 §3-3; FAPI 2.0 SP §5.3.2.1-8',
    broken: /audience \(aud\)/,
    parameter: 'client_assertion',
  },
  {
    rule: 'the client assertion names the client and is complete',
    isAuthentication: true,
    clause: 'RFC 7523 §3; OpenID Connect Core §9',
    broken: /in the client_assertion|client_assertion|iss \(JWT issuer\)/,
    parameter: 'client_assertion',
  },
  {
    rule: 'the client assertion is signed with an algorithm of the profile',
    isAuthentication: true,
    clause: 'FAPI 2.0 SP §5.4.1; FAPI 1.0 Advanced §8.6',
    broken: /alg mismatch|assertion algorithm/,
    parameter: 'client_assertion',
  },
  {
    rule: 'the client assertion is used once',
    isAuthentication: true,
    clause: 'RFC 7523 §3-7',
    broken: /must only be used once/,
    parameter: 'client_assertion',
  },
  {
    rule: 'the client assertion lives for an hour at most',
    isAuthentication: true,
    clause: 'RFC 7523 §3-4',
    broken: /assertion must expire/,
    parameter: 'client_assertion',
  },
  {
    rule: 'the client assertion is not from the future',
    isAuthentication: true,
    clause: 'RFC 7523 §3-6; FAPI 2.0 SP §5.3.2.1-13',
    broken: /assertion is from the future/,
    parameter: 'client_assertion',
  },
  {
    rule: 'the certificate is the one of the client',
    isAuthentication: true,
    clause: 'RFC 8705 §2',
    broken: /client certificate was not|certificate subject|unregistered client certificate/,
    met: (oidc) =>
      authenticates(oidc) && /tls_client_auth$/.test(oidc.client?.clientAuthMethod ?? ''),
  },
  {
    rule: 'the client secret is right',
    isAuthentication: true,
    clause: 'RFC 6749 §2.3.1',
    broken: /invalid secret|secret is expired/,
    met: (oidc) =>
      authenticates(oidc) && oidc.client?.clientAuthMethod?.startsWith('client_secret') === true,
  },
  {
    rule: 'the client assertion verifies with a key of the client, within its times',
    isAuthentication: true,
    clause: 'RFC 7523 §3',
    broken: /client authentication failed/,
    parameter: 'client_assertion',
    met: (oidc) => authenticates(oidc) && oidc.body?.client_assertion !== undefined,
  },
  {
    rule: 'the request was pushed',
    clause: 'RFC 9126 §5; FAPI 2.0 SP §5.3.2.2-3',
    broken: /Pushed Authorization Request must be used/,
    parameter: 'request_uri',
  },
  {
    rule: 'the request_uri is one of ours, not used up and not expired',
    clause: 'RFC 9126 §2.2, §4',
    broken: /request_uri is (invalid|unknown)|invalid request_uri|request_uri parameter provided/,
    parameter: 'request_uri',
    met: ({ entities }) => entities.PushedAuthorizationRequest !== undefined,
  },
  {
    rule: 'the request is signed',
    clause: 'FAPI 2.0 Message Signing §5.3.1; FAPI 1.0 Advanced §5.2.2-1',
    broken: /Request Object must be used/,
    parameter: 'request',
  },
  {
    rule: 'the request object is signed with an algorithm of the client',
    clause: 'RFC 9101 §6.2; FAPI 2.0 SP §5.4.1; FAPI 1.0 Advanced §8.6',
    broken: /unsupported signed request alg|preregistered alg|its algorithm is not allowed/,
    parameter: 'request',
  },
  {
    rule: 'the request object is one',
    clause: 'RFC 9101 §10.8.1',
    broken: /its typ is that|could not parse Request Object|could not decrypt/,
    parameter: 'request',
  },
  {
    rule: "the request object is the client's own, for this server, and live",
    clause: 'RFC 9101 §6.3',
    broken: /Request Object claims are invalid|request client_id/,
    parameter: 'request',
  },
  {
    rule: 'the request object is not from the future',
    clause: 'FAPI 2.0 SP §5.3.2.1-13',
    broken: /refused: it is from the future/,
    parameter: 'request',
  },
  {
    rule: 'the request object lives for an hour at most and is not older',
    clause: 'FAPI 2.0 Message Signing §5.3.1; FAPI 1.0 Advanced §5.2.2-13, §5.2.2-17',
    broken: /its exp must be|is missing the '(exp|nbf|aud|iat|jti)' claim/,
    parameter: 'request',
  },
  {
    rule: 'everything that counts is inside of the request object',
    clause: 'FAPI 1.0 Advanced §5.2.2-10; RFC 9101 §5',
    broken: /is missing the|must not contain request|request response_type/,
    parameter: 'request',
  },
  {
    rule: 'the request object verifies with a key of the client',
    clause: 'RFC 9101 §6.2',
    broken: /could not validate Request Object/,
    parameter: 'request',
  },
  {
    rule: 'the response_mode is one of the client and the profile',
    clause: 'JARM §2.3; FAPI 1.0 Advanced §5.2.2-2; FAPI 2.0 Message Signing §5.4.1',
    broken: /response_mode/,
    parameter: 'response_mode',
  },
  {
    rule: 'the response_type is one of the client and the profile',
    clause: 'RFC 6749 §3.1.1; FAPI 2.0 SP §5.3.2.2-1',
    broken: /response_type|response type/,
    parameter: 'response_type',
  },
  {
    rule: 'the redirect_uri is the one of the authorization request',
    clause: 'RFC 6749 §4.1.3',
    broken: /authorization code redirect_uri mismatch/,
    parameter: 'redirect_uri',
  },
  {
    rule: 'the post_logout_redirect_uri is registered',
    clause: 'OpenID Connect RP-Initiated Logout §3',
    broken: /post_logout_redirect_uri/,
    parameter: 'post_logout_redirect_uri',
  },
  {
    rule: 'the redirect_uri is registered',
    clause: 'RFC 6749 §3.1.2.3; RFC 9700 §4.1.3',
    broken: /redirect_uri/,
    parameter: 'redirect_uri',
    met: ({ redirectUriCheckPerformed }) => redirectUriCheckPerformed === true,
  },
  {
    rule: 'every required parameter is there',
    clause: 'RFC 6749 §4.1.1',
    broken: /missing required/,
  },
  {
    rule: 'PKCE with S256 is used',
    clause: 'RFC 7636 §4.3; FAPI 2.0 SP §5.3.2.2-5; FAPI 1.0 Advanced §5.2.2-18',
    broken: /PKCE|code_challenge/,
    parameter: 'code_challenge_method',
  },
  {
    rule: 'the prompt is one that can be met',
    clause: 'OpenID Connect Core §3.1.2.1',
    broken: /prompt/,
    parameter: 'prompt',
  },
  {
    rule: 'the scopes are those of the client, and go together',
    clause: 'RFC 6749 §3.3',
    broken: /scope/,
    parameter: 'scope',
  },
  {
    rule: 'the claims are what OpenID Connect has them to be',
    clause: 'OpenID Connect Core §5.5',
    broken: /claims/,
  },
  {
    rule: 'the DPoP proof is for this request, fresh and new',
    clause: 'RFC 9449 §4.3',
    broken: /DPoP|dpop/,
  },
  {
    rule: 'the grant_type is one of the client',
    clause: 'RFC 6749 §5.2',
    broken: /grant type|grant_type/,
    parameter: 'grant_type',
  },
  {
    rule: 'the sender proves possession of what the token is bound to',
    clause: 'RFC 8705 §3; RFC 9449 §6; FAPI 2.0 SP §5.3.2.1-5',
    broken: /mutual TLS|x5t#S256|jkt|certificate/,
  },
  {
    rule: 'the code is ours, live and unused',
    clause: 'RFC 6749 §4.1.2; FAPI 2.0 SP §5.3.2.1-11',
    broken: /authorization code not found|authorization code is|already (been )?(consumed|used)/,
    met: ({ entities }) => entities.AuthorizationCode !== undefined,
  },
  {
    rule: 'code or refresh token belong to the client',
    clause: 'RFC 6749 §5.2',
    broken: /client mismatch/,
  },
  {
    rule: 'the code_verifier fits the code_challenge',
    clause: 'RFC 7636 §4.6',
    broken: /code_verifier|PKCE verification/,
  },
  {
    rule: 'the refresh token is ours and live',
    clause: 'RFC 6749 §6',
    broken: /refresh token/,
    met: ({ entities }) => entities.RefreshToken !== undefined,
  },
  {
    rule: 'what the person agreed to is in force',
    clause: 'RFC 6749 §5.2',
    broken: /grant (not found|is expired)|account/,
    met: ({ entities }) => entities.Grant !== undefined,
  },
  {
    rule: 'the resource is one of ours',
    clause: 'RFC 8707 §2',
    broken: /resource/,
    parameter: 'resource',
  },
  {
    rule: 'nothing has to be asked, where the client wants nobody to be asked',
    clause: 'OpenID Connect Core §3.1.2.6',
    codes: ['login_required', 'consent_required', 'interaction_required'],
    parameter: 'prompt',
  },
  {
    rule: 'the person can be authenticated as the request wants it',
    clause: 'OpenID Connect Core §5.5.1.1; RFC 9470 §5',
    codes: ['unmet_authentication_requirements'],
  },
  {
    rule: 'the person agrees',
    clause: 'RFC 6749 §4.1.2.1',
    codes: ['access_denied'],
  },
  {
    rule: 'the visit is the one of this browser, and not over',
    broken: /interaction|authorization request has expired|session|logout details/,
  },
];

/** Endpoints that nobody passes who has not proved to be the client. */
const authenticating = new Set([
  'token',
  'pushed_authorization_request',
  'backchannel_authentication',
  'introspection',
  'revocation',
]);

/** Whether a request that was refused for something else came from its client. */
export function authenticates({ route, client }: KoaContextWithOIDC['oidc']): boolean {
  return client !== undefined && authenticating.has(route);
}
