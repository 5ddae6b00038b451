import type { AuthorizationDetail } from './authorization-details/detail-type.js';

/** What a resource needs to know of a live access token, whatever format and grant made it. */
export interface AccessTokenFacts {
  readonly clientId: string;
  /** The person it speaks for: the account of a user's token, or `sub` of client_credentials. */
  readonly subject?: string | undefined;
  readonly scopes: ReadonlySet<string>;
  /** The consent (and Grant) behind a code or refresh token; absent for client_credentials. */
  readonly grantId?: string | undefined;
  /** What the person granted detail by detail, as far as this token goes (RFC 9396 §9). */
  readonly authorizationDetails?: readonly AuthorizationDetail[] | undefined;
  /** The sender constraint: RFC 8705 `x5t#S256` or RFC 9449 `jkt`, base64url SHA-256. */
  readonly certificateThumbprint?: string | undefined;
  readonly keyThumbprint?: string | undefined;
  /** How and when the person was authenticated, where it is known (RFC 9470 §6). */
  readonly acr?: string | undefined;
  readonly authenticatedAt?: Date | undefined;
  readonly expiresAt: Date;
}

/** Reads access tokens that this provider issued. Implemented in `provider/`. */
export interface AccessTokenReader {
  /** The facts of a token that is live, with its grant where it has one; undefined for any other. */
  read(token: string): Promise<AccessTokenFacts | undefined>;
}
