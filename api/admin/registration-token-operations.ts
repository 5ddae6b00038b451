import { z } from 'zod';
import { shownText } from '../../core/client-metadata.js';
import type {
  InitialAccessToken,
  InitialAccessTokens,
} from '../../core/registration/initial-access-tokens.js';
import { registrationPolicySchema } from '../../core/registration/registration-policy.js';
import type { Storage, Stored } from '../../core/storage.js';
import { defineOperation, noAnswer, noBody, noParameters, type Operation } from '../operation.js';
import { authorSchema, operator } from './admin-schema.js';
import { createHistoryOperation } from './history.js';

export interface RegistrationTokenOperationsDeps {
  readonly registrationTokens: InitialAccessTokens;
  readonly storage: Pick<Storage, 'find'>;
}

const path = '/admin/v1/registration-tokens';
const tokenSchema = z
  .object({
    id: z.string().describe('In the history of its clients as `token:ID`'),
    note: z.string(),
    policy: registrationPolicySchema,
    usesLeft: z.int(),
    expiresAt: z.iso.datetime().optional(),
    createdAt: z.iso.datetime(),
    createdBy: authorSchema,
  })
  .meta({ id: 'RegistrationToken' });

/** Initial access tokens, which others register their clients with (docs/registration.md). */
export function createRegistrationTokenOperations({
  registrationTokens: tokens,
  storage,
}: RegistrationTokenOperationsDeps): readonly Operation[] {
  return [
    defineOperation({
      id: 'listRegistrationTokens',
      method: 'get',
      path,
      summary: 'The tokens that clients may be registered with, without what proves them',
      scopes: ['clients:read'],
      params: noParameters,
      query: noParameters,
      body: noBody,
      status: 200,
      answer: z.object({ registrationTokens: z.array(tokenSchema) }),
      errors: [],
      handle: async () => ({ registrationTokens: (await tokens.list()).map(describeToken) }),
    }),
    defineOperation({
      id: 'createRegistrationToken',
      method: 'post',
      path,
      summary: 'Make a token for somebody who may register clients; it is not shown again',
      scopes: ['clients:write'],
      params: noParameters,
      query: noParameters,
      body: z.strictObject({
        note: shownText(200).describe('Whom it is for'),
        uses: z.int().min(1).max(1_000_000).default(1).describe('How many clients'),
        days: z.int().min(1).max(3650).default(7).describe('Until it expires'),
        policy: registrationPolicySchema.prefault({}),
      }),
      status: 201,
      answer: z.object({ id: z.string(), registrationToken: z.string() }),
      errors: [],
      async handle({ token: ofOperator, body: { note, uses, days, policy } }) {
        const by = operator(ofOperator);
        const wanted = { note, uses, policy, lifetime: days * 86_400, by };
        const { id, token } = await tokens.create(wanted);
        return { id, registrationToken: token };
      },
    }),
    createHistoryOperation(storage, {
      id: 'getRegistrationTokenHistory',
      path: `${path}/history`,
      summary: 'Who made and revoked which registration token, latest first',
      scope: 'clients:read',
      kind: 'registration_token',
    }),
    defineOperation({
      id: 'revokeRegistrationToken',
      method: 'delete',
      path: `${path}/{tokenId}`,
      summary: 'Nobody can register with it from now on; its clients stay',
      scopes: ['clients:write'],
      params: z.object({ tokenId: z.string() }),
      query: noParameters,
      body: noBody,
      status: 204,
      answer: noAnswer,
      errors: ['NotFound'],
      handle: ({ token, params: { tokenId } }) => tokens.revoke(tokenId, operator(token)),
    }),
  ];
}

function describeToken({ id, value, expiresAt }: Stored<InitialAccessToken>) {
  const { note, policy, usesLeft, createdAt, createdBy } = value;
  return {
    ...{ id, note, policy, usesLeft, createdAt, createdBy },
    ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
  };
}
