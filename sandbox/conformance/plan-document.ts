import type { JWK } from 'jose';

/** A step of the suite's browser: `["click", "css", "button"]`, `["wait", "xpath", "//*", 10, "text"]`. */
export type BrowserCommand = readonly (string | number)[];

/** Steps on a page whose address matches, where `*` stands for anything. */
export interface BrowserTask {
  readonly task: string;
  readonly match: string;
  /** Whether the task is left out on another page. */
  readonly optional?: boolean;
  readonly commands?: readonly BrowserCommand[];
}

/** What the browser does with an address that it is sent to. */
export interface BrowserVisit {
  readonly comment?: string;
  readonly match: string;
  /** For how many visits; the next one that matches is for those after. */
  readonly 'match-limit'?: number;
  readonly tasks: readonly BrowserTask[];
}

export interface PlanClient {
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly client_name?: string;
  readonly scope?: string;
  readonly jwks?: { readonly keys: readonly JWK[] };
  readonly dpop_signing_alg?: string;
  readonly hint_type?: string;
  readonly hint_value?: string;
  readonly acr_value?: string;
}

/** A client certificate, its key and its authority, PEM. */
export interface PlanCertificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** A plan's configuration, in the members of the OpenID Foundation's suite. */
export interface PlanDocument {
  readonly alias: string;
  readonly description: string;
  readonly server: { readonly discoveryUrl: string; readonly login_hint?: string };
  readonly client: PlanClient;
  readonly client2: PlanClient;
  readonly client_secret_post?: PlanClient;
  readonly mtls?: PlanCertificate;
  readonly mtls2?: PlanCertificate;
  readonly resource?: {
    readonly resourceUrl: string;
    readonly resourceUrlAccountRequests?: string;
    readonly resourceUrlAccountsResource?: string;
    /** The `x-v` of the Consumer Data Right. */
    readonly cdrVersion?: string;
    readonly richAuthorizationRequest?: readonly object[];
  };
  readonly automated_ciba_approval_url?: string;
  readonly browser: readonly BrowserVisit[];
  readonly override?: Readonly<Record<string, { readonly browser: readonly BrowserVisit[] }>>;
}
