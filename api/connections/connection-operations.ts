import { z } from 'zod';
import type { Clock } from '../../core/clock.js';
import type { ConnectionsService } from '../../core/connections-service.js';
import { defineOperation, noAnswer, noBody, noParameters, type Operation } from '../operation.js';
import { connectionSchema, describeConnection } from './connection-schema.js';

interface ConnectionOperationsDeps {
  readonly connections: ConnectionsService;
  readonly clock: Clock;
}

/** `GET /users/{userId}/connections` and removal of one (identity-service.md §1.6). */
export function createConnectionOperations({
  connections,
  clock,
}: ConnectionOperationsDeps): readonly Operation[] {
  // The published client says `connection`, the documentation `connections`.
  const removals = ['connection', 'connections'].map((noun, index) =>
    defineOperation({
      id: index === 0 ? 'deleteUserConnection' : 'deleteUserConnectionByPlural',
      method: 'delete',
      path: `/users/{userId}/${noun}/{connectionId}`,
      summary: 'Remove a connection with its data, and withdraw its consent at the bank',
      scopes: ['connection:delete', 'user:delete'],
      params: z.object({ userId: z.string(), connectionId: z.string() }),
      query: noParameters,
      body: noBody,
      status: 204,
      answer: noAnswer,
      errors: ['NotFound', 'Conflict'],
      handle: ({ token, params: { userId, connectionId } }) =>
        connections.remove(token.clientId, userId, connectionId),
    }),
  );
  return [
    defineOperation({
      id: 'getUserConnections',
      method: 'get',
      path: '/users/{userId}/connections',
      summary: 'List the connections of a user, oldest first',
      scopes: ['connection:read', 'user:read'],
      params: z.object({ userId: z.string() }),
      query: noParameters,
      body: noBody,
      status: 200,
      answer: z.object({ data: z.array(connectionSchema), meta: z.object({}) }),
      errors: ['NotFound'],
      async handle({ token, params: { userId } }) {
        const listed = await connections.list(token.clientId, userId);
        return { data: listed.map((each) => describeConnection(each, clock.now())), meta: {} };
      },
    }),
    ...removals,
  ];
}
