import type { DPoPHandle, ServerMetadata } from 'openid-client';
import type { Exchange } from '../../consent-ui/components/exchange-view.js';
import type { SandboxClientName } from '../tpp-document.js';

export type Access = 'one-time' | 'ongoing';

/** What a developer chose to try. */
export interface JourneyChoice {
  readonly client: SandboxClientName;
  readonly access: Access;
  /** `id:…` */
  readonly bank: string;
  /** UK Open Banking permission codes; none leaves it to Assent. */
  readonly permissions: readonly string[];
}

/** How a connection goes on: each is the scope that asks for it. */
export const renewals = ['reconsent', 'reauth', 'refresh'] as const;
export type Renewal = (typeof renewals)[number];

/** One try, from the request to the data, with everything that went over the wire. */
export interface Journey {
  readonly id: string;
  readonly choice: JourneyChoice;
  readonly startedAt: Date;
  readonly server: ServerMetadata;
  /** The user registered beforehand, for ongoing access. */
  readonly userId?: string | undefined;
  /** The journey whose connection this one renews. */
  readonly renews?: { readonly journeyId: string; readonly by: Renewal } | undefined;
  readonly state: string;
  readonly redeems: Redeems;
  /** Where the person's browser goes. */
  readonly authorizationUrl: string;
  readonly requestExchanges: readonly Exchange[];
  /** Where the browser came back to, query included. */
  readonly callback?: URL | undefined;
  readonly connected?: Connected | undefined;
}

/** What the answer is good for: a code of Assent's, or the bank's own answer to an auth request. */
export type Redeems =
  | { readonly nonce: string; readonly codeVerifier: string }
  | { readonly authRequestId: string };

/** What the answer brought. */
export interface Connected {
  /** Absent where there was no code of Assent's to redeem. */
  readonly accessToken?: string | undefined;
  readonly userId: string;
  readonly connectionId: string;
  readonly exchanges: readonly Exchange[];
}

/** A client's own key for DPoP, kept for the life of the process. */
export type DPoPOption = { readonly DPoP: DPoPHandle } | undefined;
