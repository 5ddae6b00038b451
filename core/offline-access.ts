/** What an application keeps when somebody has signed out (`offline_access`, OpenID Connect Core §11). */
export interface OfflineAccess {
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
export interface OfflineAccessService {
  /** Of one person, each application once, the latest first. */
  inForce(accountId: string): Promise<readonly OfflineAccess[]>;
  /** Ends all that one application keeps of a person, at once. @returns false where that is nothing. */
  end(accountId: string, clientId: string): Promise<boolean>;
}
