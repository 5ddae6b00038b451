/** The banks a person can connect to, and the port through which Assent talks to each. */

/** How an institution is reached, in the identity service's words. */
export type InstitutionKind = 'api' | 'legacy' | 'test';

/** One entry of the bank chooser and of the well-known connection lists. */
export interface Institution {
  /** The `<bank>` of the scope `id:<bank>`: 1 to 64 characters of `[0-9a-z_-]`. */
  readonly id: string;
  readonly name: string;
  readonly kind: InstitutionKind;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly bankRef: string;
  readonly isBeta: boolean;
  readonly accountTypes: readonly string[];
  readonly userTypes: readonly ('personal' | 'business')[];
  /** How many months of history the bank shares at most, where it says so. */
  readonly monthsInitialConsent?: number | undefined;
  /** How often in 24 hours it is asked about an account without the person; 4 where it is not said. */
  readonly unattendedCallsPerDay?: number | undefined;
}

/** JSON that only the connector that made it reads; everyone else stores it, sealed. */
export type ConnectorState = Readonly<Record<string, unknown>>;

/** What a person agreed to share, as the bank is asked for it. */
export interface ConsentTerms {
  /** UK Open Banking permission codes, e.g. `ReadAccountsBasic`. */
  readonly permissions: readonly string[];
  /** Absent where the consent is extended here, without the bank: then it has no end there. */
  readonly expiresAt?: Date | undefined;
  readonly transactionFrom?: Date | undefined;
}

/** An account as the bank describes it. Amounts are in minor units (pence). */
export interface BankAccount {
  /** The bank's own id for the account; never shown to clients. */
  readonly upstreamId: string;
  readonly name: string;
  /** The identity service's type, e.g. `cash:current`, `savings`, `card`. */
  readonly type: string;
  readonly holder: 'personal' | 'business';
  readonly currency: string;
  readonly balance?: { readonly amount: number; readonly at: Date } | undefined;
  /** Present only where the permission for details was given. */
  readonly identification?:
    | { readonly sortCode?: string; readonly accountNumber?: string; readonly iban?: string }
    | undefined;
}

/** A transaction as the bank describes it; `amount` in minor units, negative = money out. */
export interface BankTransaction {
  readonly upstreamId: string;
  readonly bookedAt: Date;
  readonly amount: number;
  readonly currency: string;
  readonly description: string;
  readonly status: 'posted' | 'pending';
}

/** Something a person types for a bank that has no page of its own (legacy). */
export interface CredentialField {
  /** `[a-z_]+`; also the name of the form's field. */
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
  /** Shown as dots, and never shown again. */
  readonly secret: boolean;
  /** The HTML `autocomplete` token, e.g. `one-time-code`. */
  readonly autocomplete: string;
  readonly inputMode?: 'numeric' | undefined;
}

/** How a visit begins: at the bank's own page, or with a form on ours. */
export type VisitStart =
  | { readonly redirectTo: string; readonly attempt: ConnectorState }
  | { readonly ask: readonly CredentialField[]; readonly attempt: ConnectorState };

/** How a visit to the bank ended. */
export type VisitOutcome =
  | {
      readonly outcome: 'authorised';
      readonly authorization: ConnectorState;
      /** The person as the bank names them, where it does; the same at each of their visits. */
      readonly subject?: string | undefined;
      /** When the bank stops recognising them, where it says so. */
      readonly validUntil?: Date | undefined;
    }
  /** The person or the bank said no; `reason` is one plain sentence for the person. */
  | { readonly outcome: 'refused'; readonly reason: string };

/** What an answer to {@link CredentialField}s came to; `asked` = there is more to answer. */
export type AnswerOutcome =
  | VisitOutcome
  | {
      readonly outcome: 'asked';
      readonly ask: readonly CredentialField[];
      readonly attempt: ConnectorState;
      /** What was wrong with the answer before, one plain sentence for the person. */
      readonly problem?: string | undefined;
    };

/** The person on whose behalf a bank is asked right now; banks count such calls on no budget. */
export interface PresentCustomer {
  readonly ipAddress: string;
  /** When they last signed in at the client. */
  readonly lastLoggedIn?: Date | undefined;
}

/**
 * One way of talking to one bank. Implemented in `institutions/`. Every method is bounded in time and
 * throws only {@link InstitutionError}.
 */
export interface InstitutionConnector {
  /** Who a callback must say that it is from, where it says so (RFC 9207); absent for who has no name. */
  readonly issuer?: string | undefined;
  /**
   * Registers the intent and prepares the visit.
   * @param visit `state` is ours, unguessable, and comes back in the callback; `redirectUri` is where
   * the bank sends the person's browser; `renews` is the authorization of a connection that is
   * authenticated again or, for a legacy bank, refreshed.
   * @returns where to send the browser or what to ask, and what {@link complete} or {@link answer}
   * will need.
   */
  begin(visit: {
    readonly terms: ConsentTerms;
    readonly state: string;
    readonly redirectUri: string;
    readonly renews?: { readonly by: 'reauth' | 'refresh'; readonly authorization: ConnectorState };
  }): Promise<VisitStart>;

  /** Checks the callback (state, iss, error) and exchanges the code. `callback` is its query. */
  complete(visit: {
    readonly attempt: ConnectorState;
    readonly callback: URLSearchParams;
    readonly redirectUri: string;
  }): Promise<VisitOutcome>;

  /** Takes what the person typed, by field name. Only of connectors whose visits ask. */
  answer?(visit: {
    readonly attempt: ConnectorState;
    readonly answers: Readonly<Record<string, string>>;
  }): Promise<AnswerOutcome>;

  /**
   * Opens a session with tokens that are fresh enough, refreshing them first where needed.
   * `authorization` of the session is what must be stored from now on.
   */
  open(authorization: ConnectorState, customer?: PresentCustomer): Promise<BankSession>;

  /** Withdraws the intent at the bank, whatever state it is in. Safe to repeat. */
  revoke(attemptOrAuthorization: ConnectorState): Promise<void>;

  /**
   * Whether the bank says that the person's consent there is still in force, although it may take the
   * authorization no more. Absent where the bank keeps no consents.
   */
  isConsentInForce?(authorization: ConnectorState): Promise<boolean>;
}

/** Reading from a bank on a person's behalf. */
export interface BankSession {
  readonly authorization: ConnectorState;
  /** The accounts that the person chose, with balances where permitted. */
  accounts(): Promise<readonly BankAccount[]>;
  /** Pages of transactions, newest or oldest first as the bank likes, booked in [from, to). */
  transactions(
    upstreamAccountId: string,
    window: { readonly from: Date; readonly to: Date },
  ): AsyncIterable<readonly BankTransaction[]>;
}

/** Why a bank could not do what was asked. */
export type InstitutionErrorCode =
  /** No answer in time, refused connection, 5xx. Trying again may help. */
  | 'unavailable'
  /** An answer that is not what the standard says. */
  | 'invalid_answer'
  /** The bank understood and refused (4xx that is not about authorization). */
  | 'refused'
  /** The authorization no longer works: the person must visit the bank again. */
  | 'authorization_lost'
  /** A legacy bank wants something that only the person can give: they must refresh. */
  | 'input_required'
  /** The bank takes no more calls for now (429). */
  | 'rate_limited'
  /** The callback does not belong to the visit (state, iss). */
  | 'invalid_callback';

export class InstitutionError extends Error {
  override readonly name = 'InstitutionError';
  readonly code: InstitutionErrorCode;
  /** With `rate_limited`: when the bank takes calls again, in seconds, where it says so. */
  readonly retryAfter: number | undefined;

  constructor(
    code: InstitutionErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryAfter?: number | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryAfter = options.retryAfter;
  }
}

/** The institutions of this installation and the connector of each. */
export interface InstitutionDirectory {
  readonly all: readonly Institution[];
  find(id: string): Institution | undefined;
  /**
   * @throws {InstitutionError} `unavailable` for an id that {@link find} does not know: a connection may
   * outlast its bank in the configuration.
   */
  connector(id: string): InstitutionConnector;
}
