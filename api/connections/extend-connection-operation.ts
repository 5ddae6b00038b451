import { z } from 'zod';
import type { ExtendByClient } from '../../core/client-extension.js';
import { defineOperation, noAnswer, noParameters, type Operation } from '../operation.js';

/** `PATCH /users/{userId}/connections/{connectionId}` (identity-service.md §4.5). */
export function createExtendConnectionOperation(extend: ExtendByClient): Operation {
  return defineOperation({
    id: 'updateUserConnection',
    method: 'patch',
    path: '/users/{userId}/connections/{connectionId}',
    summary:
      "Extend a consent given on the client's own screen; it is kept two hours shorter than sent",
    scopes: ['connection:update', 'user:update'],
    params: z.object({ userId: z.string(), connectionId: z.string() }),
    query: noParameters,
    body: z.object({ expiresAt: z.iso.datetime({ offset: true }) }),
    status: 204,
    answer: noAnswer,
    errors: ['NotFound'],
    idempotent: true,
    handle: ({ token: { clientId }, params, body, remember }) =>
      extend({ clientId, ...params }, new Date(body.expiresAt), remember()),
  });
}
