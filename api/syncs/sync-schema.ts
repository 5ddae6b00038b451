import { z } from 'zod';
import type { BudgetState } from '../../core/bank-budget.js';
import type { Sync } from '../../core/sync.js';
import { timestamp } from '../envelope.js';

/** A sync as the published client knows it; it has ended when `fetchStatus` is there. */
export const syncSchema = z
  .object({
    id: z.uuid(),
    connectionId: z.string(),
    action: z.enum(['auto-update', 'client-update']),
    method: z.enum(['ADD', 'UPDATE']),
    fetchStatus: z
      .enum(['success', 'error', 'partial', 'mfa-required', 'credentials-error'])
      .optional(),
    createdAt: timestamp,
    fetchedAt: timestamp.optional(),
    accounts: z.array(z.object({ providerId: z.string(), accountId: z.uuid() })),
  })
  .meta({ id: 'ConnectionSync' });

/** @returns the sync in the form of {@link syncSchema}. */
export function describeSync(sync: Sync) {
  const { id, connectionId, action, method, fetchStatus, createdAt, fetchedAt, accountIds } = sync;
  const providerId = connectionId.slice(0, connectionId.indexOf(':'));
  return {
    ...{ id, connectionId, action, method, createdAt },
    ...(fetchStatus && { fetchStatus }),
    ...(fetchedAt !== undefined && { fetchedAt }),
    accounts: accountIds.map((accountId) => ({ providerId, accountId })),
  } satisfies z.input<typeof syncSchema>;
}

const allowance = {
  remaining: z.int(),
  /** When there is more again; null where all is left. */
  resetsAt: timestamp.nullable(),
};

/** What is left of the syncs that a bank takes while the person is not there. */
export const budgetSchema = z
  .object({
    ...{ limit: z.int(), ...allowance },
    accounts: z.array(z.object({ accountId: z.uuid(), ...allowance })),
  })
  .meta({ id: 'SyncBudget' });

/** @returns the budget in the form of {@link budgetSchema}. */
export function describeBudget({ limit, remaining, resetsAt, accounts }: BudgetState) {
  return {
    ...{ limit, remaining },
    resetsAt: resetsAt?.toISOString() ?? null,
    accounts: accounts.map((account) => ({
      accountId: account.accountId,
      remaining: account.remaining,
      resetsAt: account.resetsAt?.toISOString() ?? null,
    })),
  } satisfies z.input<typeof budgetSchema>;
}
