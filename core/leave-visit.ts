import { z } from 'zod';
import { consents } from './consent.js';
import { handleJob, type JobHandler, type JobKind, schedule, unschedule } from './job.js';
import type { Storage, Write } from './storage.js';
import { type LeftVisit, type Visit, visitIndex } from './visit.js';
import type { BankVisits } from './visit-bank.js';

const leftVisitSchema = z.object({
  purpose: z.enum(['connect', 'reauth', 'refresh']),
  institutionId: z.string(),
  connectionId: z.string(),
  consentId: z.string(),
  terms: z.object({ expiresAt: z.iso.datetime() }),
  attempt: z.record(z.string(), z.unknown()),
});

const leaveVisit: JobKind<LeftVisit> = { name: 'leave-visit', data: leftVisitSchema };

/**
 * The write that has a visit given up for a person who never comes back, so that nothing waits for
 * them here or at the bank: it belongs into the commit that keeps the visit.
 * @param due when nobody can come back any more.
 */
export function leaveVisitAt(visit: Visit, due: Date): Write {
  return schedule(leaveVisit, visitIndex(visit.state), due, leftVisitSchema.parse(visit));
}

/** The write for the commit that ends a visit. */
export function endVisit({ state }: Visit): Write {
  return unschedule(leaveVisit, visitIndex(state));
}

/** Gives up the visits that nobody ended, here and at the bank; safe to repeat. */
export function createLeaveVisitHandler(deps: {
  readonly storage: Storage;
  readonly visits: Pick<BankVisits, 'reject' | 'withdraw'>;
}): JobHandler {
  const { storage, visits } = deps;
  return handleJob(leaveVisit, async (visit) => {
    const consent = await storage.get(consents, visit.consentId);
    // It ended well, and a crash between the writes of that commit left the job.
    if (visit.purpose === 'connect' && consent?.value.status === 'authorised')
      return { writes: [] };
    await visits.withdraw(visit);
    // By itself, and not with the job's end, which a crash could leave alone.
    await storage.commit(await visits.reject(visit));
    return { writes: [] };
  });
}
