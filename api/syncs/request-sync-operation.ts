import { z } from 'zod';
import type { BudgetState } from '../../core/bank-budget.js';
import type { Clock } from '../../core/clock.js';
import type { RequestSync } from '../../core/request-sync.js';
import { ApiError } from '../api-error.js';
import { defineOperation, noParameters, type Operation } from '../operation.js';

const bodySchema = z.object({
  customerIpAddress: z.union([z.ipv4(), z.ipv6()]).optional(),
  customerLastLoggedTime: z.iso.datetime({ offset: true }).optional(),
  enableAsync: z.boolean().default(true),
});

interface RequestSyncOperationDeps {
  readonly requestSync: RequestSync;
  readonly clock: Clock;
}

/** `POST /v3/sync/{connectionId}` (identity-service.md §1.10). */
export function createRequestSyncOperation({
  requestSync,
  clock,
}: RequestSyncOperationDeps): Operation {
  /** `Reset` in seconds, as `Retry-After`. */
  function describeLimit({ limit, remaining, resetsAt }: BudgetState) {
    const seconds = resetsAt ? Math.ceil((resetsAt.getTime() - clock.now()) / 1000) : 0;
    return {
      'X-RateLimit-Limit': `${limit}`,
      'X-RateLimit-Remaining': `${remaining}`,
      'X-RateLimit-Reset': `${Math.max(0, seconds)}`,
    };
  }

  return defineOperation({
    id: 'syncUserConnection',
    method: 'post',
    path: '/v3/sync/{connectionId}',
    summary: 'Fetch a connection from its bank, or join the fetch that is under way',
    scopes: ['accounts:read accounts:write:all', 'accounts:read accounts:write'],
    params: z.object({ connectionId: z.string() }),
    query: noParameters,
    body: bodySchema,
    status: 200,
    answer: z.object({
      data: z.object({ status: z.enum(['ok', 'error']), syncId: z.uuid() }),
      meta: z.object({}),
    }),
    errors: ['NotFound', 'Conflict', 'TooManyRequests'],
    idempotent: true,
    async handle({ token, params: { connectionId }, body, setHeaders, remember }) {
      const { customerIpAddress: ipAddress, customerLastLoggedTime: at, enableAsync } = body;
      const lastLoggedIn = at === undefined ? undefined : new Date(at);
      const requested = await requestSync(token, {
        connectionId,
        customer: ipAddress === undefined ? undefined : { ipAddress, lastLoggedIn },
        isAsync: enableAsync,
        // How it ended is not known yet: a repetition tells that it was ordered.
        remember: (id) => remember(answer('ok', id)),
      });
      setHeaders(describeLimit(requested.budget));
      if ('refused' in requested) {
        const { reason, retryAfterSeconds } = requested.refused;
        setHeaders({ 'Retry-After': `${retryAfterSeconds}` });
        throw new ApiError('TooManyRequests', reason);
      }
      const { id: syncId, fetchStatus = 'success' } = requested.sync;
      return answer(fetchStatus === 'success' ? 'ok' : 'error', syncId);
    },
  });
}

function answer(status: 'ok' | 'error', syncId: string) {
  return { data: { status, syncId }, meta: {} };
}
