/** What an application may ask about somebody, who they are at least, without seeing any account. */
export interface IdentityAccess {
  readonly clientId: string;
  readonly since: Date;
  readonly until: Date;
  /** What the person lets it know. */
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
}

/**
 * What people let applications know beyond their visits, and the end of it. Implemented in
 * `adapters/oidc/`.
 */
export interface IdentityAccessService {
  /** Of one person, each application once, the latest first. */
  inForce(accountId: string): Promise<readonly IdentityAccess[]>;
  /** Ends all that one application may ask of a person, at once. @returns false where that is nothing. */
  end(accountId: string, clientId: string): Promise<boolean>;
}
