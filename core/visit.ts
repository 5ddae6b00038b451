import { hash } from 'node:crypto';
import type { AgreedTerms } from './consent.js';
import type { ConnectorState, CredentialField } from './institution.js';

/** What a visit to a bank is for, as it is kept until the person comes back. */
export interface VisitPlan {
  /** `connect`: a new connection; the others renew one in place. */
  readonly purpose: 'connect' | 'reauth' | 'refresh';
  readonly institutionId: string;
  readonly connectionId: string;
  /** The consent that waits for the bank's yes, or that is renewed by it. */
  readonly consentId: string;
  /** What the person agreed to; a renewal changes nothing before the bank's yes. */
  readonly terms: AgreedTerms;
  /**
   * The auth request it is made for, which completes the connection at once; otherwise it waits for
   * its client to redeem a code.
   */
  readonly authRequestId?: string | undefined;
}

/** A visit to a bank that is under way. */
export interface Visit extends VisitPlan {
  /** Ours towards the bank: unguessable, and what its callback is recognised by. */
  readonly state: string;
  readonly attempt: ConnectorState;
  /** What the bank asks on our own page, where it has none (legacy). */
  readonly ask?: readonly CredentialField[] | undefined;
  /** Who is signing in, as they typed it: what they answer wrongly is counted by it. */
  readonly login?: string | undefined;
  /** What was wrong with the answer before, one plain sentence for the person. */
  readonly problem?: string | undefined;
  /** Set by the one request that exchanges the bank's code or hands on an answer: each works once. */
  readonly returned: boolean;
}

/** What is enough of a visit to give it up, here and at the bank. */
export type LeftVisit = Pick<
  Visit,
  'purpose' | 'institutionId' | 'connectionId' | 'consentId' | 'attempt'
> & { readonly terms: Pick<AgreedTerms, 'expiresAt'> };

/** What an index holds for a visit's state: it is a bearer secret, so only its hash. */
export function visitIndex(state: string): string {
  return hash('sha256', state, 'base64url');
}
