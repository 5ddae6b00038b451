/** What a resource needs to know of a live access token, whoever told it. */
export interface TokenFacts {
  readonly clientId: string;
  /** The person it speaks for; absent where it speaks for the client alone. */
  readonly subject?: string | undefined;
  readonly scopes: ReadonlySet<string>;
  /** The sender constraint: RFC 8705 `x5t#S256` or RFC 9449 `jkt`, base64url SHA-256. */
  readonly certificateThumbprint?: string | undefined;
  readonly keyThumbprint?: string | undefined;
  /** How and when the person was authenticated, where the issuer says so (RFC 9470 §6). */
  readonly acr?: string | undefined;
  readonly authenticatedAt?: Date | undefined;
  readonly expiresAt: Date;
}

/** Reads access tokens: by introspection, or in the process that issued them. */
export interface TokenReader<Facts extends TokenFacts> {
  /** The facts of a token that is live; undefined for any other. */
  read(token: string): Promise<Facts | undefined>;
}

/** Remembers what works once, in every process that shares the resource. */
export interface ReplayStore {
  /** True for the first caller with this id until then, false for every other. */
  use(id: string, until: Date): Promise<boolean>;
}
