import type { AuthenticationContext } from '../../core/bank-authentication.js';

/**
 * What a client is held to, as data (architecture decision 3). Chosen by the client's metadata member
 * `profile`, checked when the client is saved and enforced at the earliest endpoint that can know.
 */
export interface Profile {
  /** What `oidc-provider` enforces by itself for such a client. */
  readonly fapi: '1.0 Final' | '2.0' | undefined;
  readonly responseTypes: readonly string[];
  /** The `response_modes` of a client that registers none; undefined: whatever is offered. */
  readonly responseModes: readonly string[] | undefined;
  readonly tokenEndpointAuthMethods: readonly string[];
  /** For client assertions, request objects, ID tokens and every other answer that is signed. */
  readonly signingAlgorithms: readonly string[];
  /** RFC 7636: for every code, for those whose request was pushed, or where the client wants it. */
  readonly pkce: 'always' | 'pushed' | 'optional';
  readonly requirePushedRequests: boolean;
  /** JAR: of every client, of those that do not register otherwise, or of those that register it. */
  readonly signedRequests: 'required' | 'default' | 'optional';
  /** Seconds from `nbf` to `exp` of a request object, at most; undefined: it needs neither. */
  readonly longestRequestObject: number | undefined;
  /** Whether every access token must be bound to the sender's certificate, or to that or a DPoP key. */
  readonly requireSenderConstraint: false | 'any' | 'certificate';
  /** Seconds that an access token may be used, at most; undefined: as long as the installation says. */
  readonly longestAccess: number | undefined;
  readonly subjectTypes: readonly string[];
  /** Whether it may ask for people who are elsewhere (CIBA), and does so in signed requests only. */
  readonly backchannelAuthentication: boolean;
  readonly httpsRedirectsOnly: boolean;
  /** The only scopes it may ask for, and has where it registers none; undefined: those of the role. */
  readonly scopes: readonly string[] | undefined;
  /** What it may be told of a person, claim by claim, where its requests name it and the person agrees. */
  readonly claims: readonly string[];
  /** Whether its requests say what for, in words for the person (`purpose`). */
  readonly statesPurpose: boolean;
  /** Whether it asks for accounts by the scopes of the Consumer Data Right, for a `sharing_duration`. */
  readonly arrangements: boolean;
  /** What it calls the ways in which people are authenticated (`acr`), where not as the bank does. */
  readonly contextNames: Readonly<Record<AuthenticationContext, string>> | undefined;
  /** Whether people who have signed in for such a client are remembered for the next. */
  readonly singleSignOn: boolean;
  /** Where its text says what client metadata has to be, by member; none where it follows no text. */
  readonly clauses: Readonly<Record<string, string>>;
}
