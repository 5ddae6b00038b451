import { z } from 'zod';
import type { AuthRequest } from '../../core/auth-request.js';
import type { AuthRequestsService } from '../../core/auth-requests-service.js';
import { ApiError } from '../api-error.js';
import { listOf, paging } from '../envelope.js';
import { defineOperation, noBody, noParameters, type Operation } from '../operation.js';
import {
  authRequestSchema,
  completionSchema,
  describeAuthRequest,
  describeStart,
  isPayment,
  newAuthRequestSchema,
  readWish,
  startedAuthRequestSchema,
} from './auth-request-schema.js';

interface AuthRequestOperationsDeps {
  readonly authRequests: AuthRequestsService;
  /** Where banks send people back to. */
  readonly returnUrl: string;
}

const params = z.object({ id: z.string() });
const answer = z.object({ data: authRequestSchema, meta: z.object({}) });

/** `/auth-requests` (identity-service.md §1.7, 4.7). */
export function createAuthRequestOperations({
  authRequests,
  returnUrl,
}: AuthRequestOperationsDeps): readonly Operation[] {
  const started = (created: AuthRequest) => one(describeStart(created, returnUrl));
  const described = (authRequest: AuthRequest) => one(describeAuthRequest(authRequest));

  return [
    defineOperation({
      id: 'createAuthRequest',
      method: 'post',
      path: '/auth-requests',
      summary: 'Begin a visit to a bank on which the client sends the person from its own screens',
      scopes: ['auth_requests:write'],
      params: noParameters,
      query: noParameters,
      body: newAuthRequestSchema,
      status: 201,
      answer: z.object({ data: startedAuthRequestSchema, meta: z.object({}) }),
      errors: ['NotFound', 'NotImplemented', 'BadGateway'],
      idempotent: true,
      async handle({ token, body, remember }) {
        if (isPayment(body)) {
          throw new ApiError('NotImplemented', 'Payments are not implemented by this service');
        }
        const created = await authRequests.create(token.clientId, readWish(body), (made) =>
          remember(started(made)),
        );
        return started(created);
      },
    }),

    defineOperation({
      id: 'getAllAuthRequests',
      method: 'get',
      path: '/auth-requests',
      summary: 'List the auth requests of this client, newest first',
      scopes: ['auth_requests:read'],
      params: noParameters,
      query: z.object(paging),
      body: noBody,
      status: 200,
      answer: listOf(authRequestSchema),
      errors: [],
      async handle({ token, query }) {
        const { authRequests: listed, total } = await authRequests.list(token.clientId, query);
        return { data: listed.map(describeAuthRequest), meta: { total, ...query } };
      },
    }),

    defineOperation({
      id: 'getAuthRequest',
      method: 'get',
      path: '/auth-requests/{id}',
      summary: 'Read one auth request',
      scopes: ['auth_requests:read'],
      params,
      query: noParameters,
      body: noBody,
      status: 200,
      answer,
      errors: ['NotFound'],
      handle: async ({ token, params: { id } }) =>
        described(await authRequests.get(token.clientId, id)),
    }),

    defineOperation({
      id: 'completeAuthRequest',
      method: 'patch',
      path: '/auth-requests/{id}',
      summary: "Complete an auth request with what the bank's redirect brought",
      scopes: ['auth_requests:write'],
      params,
      query: noParameters,
      body: completionSchema,
      status: 200,
      answer,
      errors: ['NotFound', 'Conflict'],
      idempotent: true,
      async handle({ token, params: { id }, body, remember, setHeaders }) {
        const completed = await authRequests.complete(
          token.clientId,
          id,
          body.authParams,
          (ended) => remember(described(ended)),
        );
        if (completed !== 'under-way') return described(completed);
        setHeaders({ 'Retry-After': '1' });
        throw new ApiError('Conflict', 'The same completion is under way');
      },
    }),
  ];
}

function one<Data>(data: Data) {
  return { data, meta: {} };
}
