import { z } from 'zod';
import { type AdministeredKind, adminEvents } from '../../core/admin-history.js';
import type { OperatorScope } from '../../core/clients.js';
import type { Storage } from '../../core/storage.js';
import { defineOperation, noBody, noParameters, type Operation } from '../operation.js';
import { authorSchema, paging } from './admin-schema.js';

/** Which history an operation shows, and where. */
interface HistoryDescription {
  readonly id: string;
  readonly path: string;
  readonly summary: string;
  readonly scope: OperatorScope;
  readonly kind: AdministeredKind;
}

/** A history of what is administered besides clients: who did what, latest first. */
export function createHistoryOperation(
  storage: Pick<Storage, 'find'>,
  { kind, scope, ...description }: HistoryDescription,
): Operation {
  return defineOperation({
    ...description,
    method: 'get',
    scopes: [scope],
    params: noParameters,
    query: z.object(paging),
    body: noBody,
    status: 200,
    answer: z.object({
      changes: z.array(
        z.object({
          at: z.iso.datetime(),
          by: authorSchema,
          action: z.enum(['created', 'revoked']),
          id: z.string(),
          note: z.string(),
        }),
      ),
      next: z.string().optional(),
    }),
    errors: [],
    async handle({ query: { limit, cursor } }) {
      const { records, next } = await storage.find(adminEvents, {
        ...{ index: 'kind', equals: kind, order: 'descending', limit },
        after: cursor,
      });
      return {
        changes: records.map(({ value: { at, by, action, id, note } }) => ({
          ...{ at, by, action, id, note },
        })),
        ...(next !== undefined && { next }),
      };
    },
  });
}
