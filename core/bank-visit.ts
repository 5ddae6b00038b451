import type { Authentication } from './bank-authentication.js';
import type { SentCode } from './second-factor.js';
import type { Collection } from './storage.js';

/** Who is signing in at the bank in one interaction; kept so that any tab and process goes on. */
export interface BankVisit {
  readonly customerId: string;
  /** There once the customer has given all that was asked of them. */
  readonly authentication?: Authentication | undefined;
  /** The code that they still have to enter. */
  readonly sentCode?: SentCode | undefined;
}

/** Visits by the id of their interaction; they end with it. */
export const bankVisits: Collection<BankVisit> = {
  name: 'bank_visit',
  secretIds: true,
  indexes: [],
  indexValues: () => ({}),
};
