import { z } from 'zod';
import type { UsersService } from '../../core/users-service.js';
import { listOf, paging } from '../envelope.js';
import { defineOperation, noAnswer, noBody, noParameters, type Operation } from '../operation.js';
import { describeUser, newUserSchema, userSchema } from './user-schema.js';

const params = z.object({ userId: z.string() });

/** `POST/GET /users`, `GET/DELETE /users/{userId}` (identity-service.md §1.5). */
export function createUserOperations(users: UsersService): readonly Operation[] {
  return [
    defineOperation({
      id: 'registerUser',
      method: 'post',
      path: '/users',
      summary: 'Register a person for ongoing access',
      scopes: ['user:create'],
      params: noParameters,
      query: noParameters,
      body: newUserSchema,
      status: 201,
      answer: userSchema,
      errors: [],
      idempotent: true,
      async handle({ token, body, remember }) {
        const registered = await users.register(token.clientId, body.clientUserId, (user) =>
          remember(describeUser(user)),
        );
        return describeUser(registered);
      },
    }),
    defineOperation({
      id: 'getUsers',
      method: 'get',
      path: '/users',
      summary: 'List the users of this client in the order they were made',
      scopes: ['user:read'],
      params: noParameters,
      query: z.object(paging),
      body: noBody,
      status: 200,
      answer: listOf(userSchema),
      errors: [],
      async handle({ token, query }) {
        const { users: listed, total } = await users.list(token.clientId, query);
        return { data: listed.map(describeUser), meta: { total, ...query } };
      },
    }),
    defineOperation({
      id: 'getUser',
      method: 'get',
      path: '/users/{userId}',
      summary: 'Read one user',
      scopes: ['user:read'],
      params,
      query: noParameters,
      body: noBody,
      status: 200,
      answer: userSchema,
      errors: ['NotFound'],
      handle: async ({ token, params: { userId } }) =>
        describeUser(await users.get(token.clientId, userId)),
    }),
    defineOperation({
      id: 'deleteUser',
      method: 'delete',
      path: '/users/{userId}',
      summary:
        'Delete a user with all connections and data, and withdraw the consents at the banks',
      scopes: ['user:delete'],
      params,
      query: noParameters,
      body: noBody,
      status: 204,
      answer: noAnswer,
      errors: ['NotFound', 'Conflict'],
      handle: ({ token, params: { userId } }) => users.remove(token.clientId, userId),
    }),
  ];
}
