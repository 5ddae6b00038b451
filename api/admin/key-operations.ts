import { z } from 'zod';
import {
  describeEarlierRevocation,
  type KeyAdministration,
  type KeyView,
  NoNewKey,
} from '../../core/key-administration.js';
import type { Storage } from '../../core/storage.js';
import { defineOperation, noBody, noParameters, type Operation } from '../operation.js';
import { operator } from './admin-schema.js';
import { createHistoryOperation } from './history.js';

export interface KeyOperationsDeps {
  readonly keys: KeyAdministration;
  readonly storage: Pick<Storage, 'find'>;
}

const time = z.iso.datetime();
const keySchema = z
  .object({
    kid: z.string(),
    algorithm: z.string(),
    state: z.enum(['published', 'signing', 'encrypting', 'retiring', 'retired', 'revoked']),
    createdAt: time,
    signsFrom: time,
    publishedUntil: time.optional(),
    revokedAt: time.optional(),
    heldBy: z
      .enum(['store', 'external', 'nobody'])
      .describe('Where its private half is; `nobody`: it is destroyed'),
  })
  .meta({ id: 'SigningKey' });
const keysSchema = z.object({ keys: z.array(keySchema) });

const rotation = z.strictObject({
  algorithm: z
    .string()
    .max(40)
    .optional()
    .describe('One of `signing.algorithms`, `RSA-OAEP-256` or `ECDH-ES`; all where absent'),
});
const path = '/admin/v1/keys/{kid}';
const ofAll = { params: noParameters, query: noParameters } as const;
const ofOne = { params: z.object({ kid: z.string() }), query: noParameters, body: noBody } as const;
const read = { scopes: ['keys:read'] };
const write = { scopes: ['keys:write'] };

/** What operators do with signing keys (docs/keys.md). */
export function createKeyOperations({ keys, storage }: KeyOperationsDeps): readonly Operation[] {
  return [
    defineOperation({
      id: 'listKeys',
      method: 'get',
      path: '/admin/v1/keys',
      summary: 'Every signing key, and what it does',
      ...read,
      ...ofAll,
      body: noBody,
      status: 200,
      answer: keysSchema,
      errors: [],
      handle: async () => shown(await keys.list()),
    }),
    createHistoryOperation(storage, {
      id: 'getKeyHistory',
      path: '/admin/v1/keys/history',
      summary: 'Who made and revoked which signing key, latest first',
      scope: 'keys:read',
      kind: 'signing_key',
    }),
    defineOperation({
      id: 'rotateKeys',
      method: 'post',
      path: '/admin/v1/keys/rotate',
      summary: 'Publish the next key of each algorithm, or of one; done already, nothing happens',
      ...write,
      ...ofAll,
      body: rotation,
      status: 200,
      answer: keysSchema,
      errors: ['BadRequest'],
      handle: async ({ token, body: { algorithm } }) =>
        shown(await keys.rotate(algorithm, operator(token))),
    }),
    defineOperation({
      id: 'tryRotateKeys',
      method: 'post',
      path: '/admin/v1/keys/rotate/dry-run',
      summary: 'Which keys would be published, and from when they would sign; nothing is done',
      ...read,
      ...ofAll,
      body: rotation,
      status: 200,
      answer: z.object({
        publishes: z.array(z.object({ algorithm: z.string(), signsFrom: time })),
        published: z.array(keySchema).describe('The next keys that are there already'),
      }),
      errors: ['BadRequest'],
      async handle({ body: { algorithm } }) {
        const { publishes, published } = await keys.planRotation(algorithm);
        return { publishes: [...publishes], published: published.map(describeKey) };
      },
    }),
    defineOperation({
      id: 'revokeKey',
      method: 'post',
      path: `${path}/revoke`,
      summary: 'Take a compromised key away, now; the next one signs at once',
      ...write,
      ...ofOne,
      status: 200,
      answer: keysSchema.extend({
        problem: z.string().optional().describe('The key is revoked, and this is to be known'),
      }),
      errors: ['NotFound'],
      async handle({ token, params: { kid } }) {
        try {
          const problem = describeEarlierRevocation((await keys.planRevocation(kid)).key);
          const after = await keys.revoke(kid, operator(token));
          return { ...shown(after), ...(problem !== undefined && { problem }) };
        } catch (error) {
          if (!(error instanceof NoNewKey)) throw error;
          return { ...shown(await keys.list()), problem: error.message };
        }
      },
    }),
    defineOperation({
      id: 'tryRevokeKey',
      method: 'post',
      path: `${path}/revoke/dry-run`,
      summary: 'What would sign after a key is revoked; nothing is done',
      ...read,
      ...ofOne,
      status: 200,
      answer: z.object({
        key: keySchema,
        signsNext: z
          .union([z.object({ kid: z.string() }), z.object({ isNew: z.literal(true) })])
          .optional()
          .describe('Absent where it does not sign'),
      }),
      errors: ['NotFound'],
      async handle({ params: { kid } }) {
        const { key, signsNext } = await keys.planRevocation(kid);
        return { key: describeKey(key), ...(signsNext && { signsNext }) };
      },
    }),
  ];
}

function shown(keys: readonly KeyView[]) {
  return { keys: keys.map(describeKey) };
}

function describeKey({ publishedUntil, revokedAt, ...key }: KeyView) {
  return {
    ...key,
    ...(publishedUntil !== undefined && { publishedUntil }),
    ...(revokedAt !== undefined && { revokedAt }),
  };
}
