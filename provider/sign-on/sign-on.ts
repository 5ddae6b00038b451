import type { PersonClaims } from '../../core/person-claims.js';

/** What a role has that people sign in to, for applications of the profile `openid-connect`. */
export interface SignOn {
  /** What the person agreed to let applications know, as far as it is asked for. */
  describe(accountId: string): Promise<PersonClaims>;
  readonly pages: LogoutPages;
}

/** The pages at the end of a session, as documents. */
export interface LogoutPages {
  /** Whether to sign out: posts `xsrf`, and `logout` where the person wants that. */
  confirm(form: LogoutForm): string;
  /** That the person is signed out. @param again where the application begins a new visit. */
  done(application: {
    readonly name?: string | undefined;
    readonly again?: string | undefined;
  }): string;
  /** Tells applications in frames; the person goes on from there. */
  frames(told: { readonly addresses: readonly string[]; readonly next: string }): string;
}

export interface LogoutForm {
  readonly action: string;
  readonly xsrf: string;
  /** The application that asks. */
  readonly name?: string | undefined;
}
