import type { Collection } from './storage.js';

/** Who has signed in at a bank's approvals, with one browser. */
export interface ApprovalVisit {
  readonly customerId: string;
  /** ISO 8601 */
  readonly signedInAt: string;
}

/** Visits by the secret in the browser's cookie. */
export const approvalVisits: Collection<ApprovalVisit> = {
  name: 'approval_visit',
  secretIds: true,
  indexes: [],
  indexValues: () => ({}),
};
