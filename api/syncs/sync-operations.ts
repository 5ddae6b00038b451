import { z } from 'zod';
import type { SyncsService } from '../../core/syncs-service.js';
import { listOf, paging } from '../envelope.js';
import { defineOperation, noBody, noParameters, type Operation } from '../operation.js';
import { budgetSchema, describeBudget, describeSync, syncSchema } from './sync-schema.js';

const reading = {
  method: 'get',
  scopes: ['connection:read', 'user:read'],
  body: noBody,
  status: 200,
  errors: ['NotFound'],
} as const;

const ofConnection = z.object({ userId: z.string(), connectionId: z.string() });

/** The syncs of a user or of a connection, newest first (identity-service.md §1.6), and the budget. */
export function createSyncOperations(syncs: SyncsService): readonly Operation[] {
  return [
    defineOperation({
      ...reading,
      id: 'getUserSyncs',
      path: '/users/{userId}/syncs',
      summary: 'List the syncs of all connections of a user, newest first',
      params: z.object({ userId: z.string() }),
      query: z.object(paging),
      answer: listOf(syncSchema),
      async handle({ token, params: { userId }, query }) {
        const page = await syncs.listOfUser(token.clientId, userId, query);
        return { data: page.syncs.map(describeSync), meta: { total: page.total, ...query } };
      },
    }),
    defineOperation({
      ...reading,
      id: 'getConnectionSyncs',
      path: '/users/{userId}/connections/{connectionId}/syncs',
      summary: 'List the syncs of a connection, newest first',
      params: ofConnection,
      query: z.object(paging),
      answer: listOf(syncSchema),
      async handle({ token: { clientId }, params: { userId, connectionId }, query }) {
        const page = await syncs.listOfConnection(clientId, userId, connectionId, query);
        return { data: page.syncs.map(describeSync), meta: { total: page.total, ...query } };
      },
    }),
    defineOperation({
      ...reading,
      id: 'getSync',
      path: '/users/{userId}/syncs/{syncId}',
      summary: 'Read one sync; it has ended when it has a fetchStatus',
      params: z.object({ userId: z.string(), syncId: z.string() }),
      query: noParameters,
      answer: z.object({ data: syncSchema, meta: z.object({}) }),
      async handle({ token, params: { userId, syncId } }) {
        const sync = await syncs.get(token.clientId, userId, syncId);
        return { data: describeSync(sync), meta: {} };
      },
    }),
    defineOperation({
      ...reading,
      id: 'getConnectionSyncBudget',
      path: '/users/{userId}/connections/{connectionId}/sync-budget',
      summary: 'How many more syncs the bank takes in 24 hours while the person is not there',
      params: ofConnection,
      query: noParameters,
      answer: z.object({ data: budgetSchema, meta: z.object({}) }),
      async handle({ token: { clientId }, params: { userId, connectionId } }) {
        const budget = await syncs.readBudget(clientId, userId, connectionId);
        return { data: describeBudget(budget), meta: {} };
      },
    }),
  ];
}
