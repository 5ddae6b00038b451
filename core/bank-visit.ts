import type { Collection } from './storage.js';

/** Who has signed in at the bank in one interaction; kept so that any tab and process goes on. */
export interface BankVisit {
  readonly customerId: string;
}

/** Visits by the id of their interaction; they end with it. */
export const bankVisits: Collection<BankVisit> = {
  name: 'bank_visit',
  secretIds: true,
  indexes: [],
  indexValues: () => ({}),
};
