import { z } from 'zod';
import type { AccessTokenFacts } from '../../core/access-token.js';
import type { ScimUsers } from '../../core/scim-users.js';
import { ApiError } from '../api-error.js';
import { listOf, paging } from '../envelope.js';
import { defineOperation, noBody, noParameters, type Operation } from '../operation.js';
import {
  describeScimList,
  describeScimUser,
  newScimUserSchema,
  readScimMembers,
  scimListSchema,
  scimSearchSchema,
  scimUserSchema,
} from './scim-schema.js';

const subtenantScope = 'scim_user:subtenants:assign';

/** `/scim/users` (identity-service.md §1.8). Errors have the body of every other call here. */
export function createScimOperations(scimUsers: ScimUsers): readonly Operation[] {
  /** What a client searches for: one it names, or all of them. */
  async function search(clientId: string, query: z.output<typeof scimSearchSchema>) {
    const { filter, startIndex, count } = query;
    if (!filter) return scimUsers.list(clientId, { limit: count, offset: startIndex - 1 });
    const found = await scimUsers.find(clientId, filter);
    const all = found ? [found] : [];
    return { users: all.slice(startIndex - 1, startIndex - 1 + count), total: all.length };
  }

  return [
    defineOperation({
      id: 'registerSCIMUser',
      method: 'post',
      path: '/scim/users',
      summary: 'Register a person by SCIM, for ongoing access',
      scopes: ['scim_user:write'],
      params: noParameters,
      query: noParameters,
      body: newScimUserSchema,
      status: 201,
      answer: scimUserSchema,
      errors: ['Conflict'],
      idempotent: true,
      async handle({ token, body, remember }) {
        const members = readScimMembers(body);
        if (members.subtenant) assertMayAssign(token);
        const registered = await scimUsers.register(token.clientId, members, (user) =>
          remember(describeScimUser(user)),
        );
        return describeScimUser(registered);
      },
    }),

    defineOperation({
      id: 'getSCIMUsers',
      method: 'get',
      path: '/scim/users',
      summary: 'List the SCIM users of this client in the order they were made',
      scopes: ['scim_user:read'],
      params: noParameters,
      query: z.object(paging),
      body: noBody,
      status: 200,
      answer: listOf(scimUserSchema),
      errors: [],
      async handle({ token, query }) {
        const { users, total } = await scimUsers.list(token.clientId, query);
        return { data: users.map(describeScimUser), meta: { total, ...query } };
      },
    }),

    defineOperation({
      id: 'getSCIMUser',
      method: 'get',
      path: '/scim/users/{userId}',
      summary: 'Read one SCIM user',
      scopes: ['scim_user:read'],
      params: z.object({ userId: z.string() }),
      query: noParameters,
      body: noBody,
      status: 200,
      answer: scimUserSchema,
      errors: ['NotFound'],
      handle: async ({ token, params: { userId } }) =>
        describeScimUser(await scimUsers.get(token.clientId, userId)),
    }),

    defineOperation({
      id: 'searchSCIMUsers',
      method: 'post',
      path: '/scim/users/search',
      summary: 'Search the SCIM users of this client by externalId or id, or list them',
      scopes: ['scim_user:read'],
      params: noParameters,
      query: noParameters,
      body: scimSearchSchema,
      status: 200,
      answer: scimListSchema,
      errors: [],
      async handle({ token, body }) {
        const { users, total } = await search(token.clientId, body);
        return describeScimList(users, { total, startIndex: body.startIndex });
      },
    }),
  ];
}

/** identity-service.md §3.1: naming a person's subtenant takes a scope of its own. */
function assertMayAssign({ scopes }: AccessTokenFacts): void {
  if (scopes.has(subtenantScope)) return;
  throw new ApiError('Forbidden', `The access token needs the scope ${subtenantScope}`);
}
