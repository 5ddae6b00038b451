import { z } from 'zod';
import type { AccessTokenFacts } from '../../core/access-token.js';
import type { Explanations } from '../../core/explanation.js';
import { ApiError } from '../api-error.js';
import {
  defineOperation,
  noBody,
  noParameters,
  type Operation,
  type OperationDescription,
} from '../operation.js';

const explanationSchema = z
  .object({
    traceId: z.string().describe('The `x-fapi-interaction-id` of the answer'),
    clientId: z.string().optional(),
    at: z.iso.datetime(),
    endpoint: z.string(),
    error: z.string().describe('As it was answered'),
    description: z.string().optional(),
    rules: z
      .array(
        z.object({
          rule: z.string(),
          clause: z.string().optional(),
          input: z.string().optional().describe('What it was asked of, redacted'),
          outcome: z.enum(['met', 'not met']),
        }),
      )
      .describe(
        'In the order in which they were looked at; the last one was not met, of a registration each',
      ),
  })
  .meta({ id: 'Explanation' });

const answer = z.object({ explanations: z.array(explanationSchema) });
const ofTrace = z.object({ traceId: z.uuid() });
const common = { method: 'get', query: noParameters, body: noBody, status: 200, answer } as const;

type Reader = Pick<Explanations, 'find' | 'list'>;

const list = {
  ...common,
  id: 'listExplanations',
  path: '/explanations',
  summary: 'Why requests in the name of the calling client were refused lately, latest first',
  scopes: [],
  anyScope: true,
  params: noParameters,
  errors: [],
} as const;

const get = {
  ...common,
  id: 'getExplanations',
  path: '/explanations/{traceId}',
  summary: 'Why a request in the name of the calling client was refused',
  scopes: [],
  anyScope: true,
  params: ofTrace,
  errors: ['NotFound'],
} as const;

/** As OpenAPI describes them. */
export const explanationDescriptions: readonly OperationDescription[] = [list, get];

/** Why requests of a client were refused, for the client itself: kept for a day. */
export function createExplanationOperations(explanations: Reader): readonly Operation[] {
  return [
    defineOperation({
      ...list,
      async handle({ token }) {
        return shown(await explanations.list(ownClient(token)));
      },
    }),
    defineOperation({
      ...get,
      async handle({ token, params: { traceId } }) {
        return found(await explanations.find(traceId, ownClient(token)));
      },
    }),
  ];
}

/** The same for operators, whomever it concerns. */
export function createExplanationAdministration(explanations: Reader): readonly Operation[] {
  return [
    defineOperation({
      ...common,
      id: 'getExplanationsOfTrace',
      path: '/admin/v1/explanations/{traceId}',
      summary: 'Why requests of a trace were refused, whoever made them',
      scopes: ['clients:read'],
      params: ofTrace,
      errors: ['NotFound'],
      handle: async ({ params: { traceId } }) => found(await explanations.find(traceId)),
    }),
  ];
}

type Found = Awaited<ReturnType<Reader['list']>>;

function shown(explanations: Found) {
  return {
    explanations: explanations.map(({ rules, ...rest }) => ({ ...rest, rules: [...rules] })),
  };
}

function found(explanations: Found) {
  if (explanations.length === 0) throw new ApiError('NotFound', 'There is no such explanation');
  return shown(explanations);
}

/** Whose token it is; one that speaks for a person may be in other hands than the developer's. */
function ownClient({ clientId, grantId }: AccessTokenFacts): string {
  if (grantId === undefined) return clientId;
  throw new ApiError('Forbidden', 'This needs a token of the client_credentials grant');
}
