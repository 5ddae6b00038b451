import { z } from 'zod';
import type { ClientAdministration } from '../../core/client-administration.js';
import { viewLogo } from '../../core/client-logo.js';
import type { ClientRules } from '../../core/client-rules.js';
import type { Clock } from '../../core/clock.js';
import { searchClients } from '../../core/search-clients.js';
import type { Storage } from '../../core/storage.js';
import { defineOperation, noAnswer, noBody, noParameters, type Operation } from '../operation.js';
import {
  changedClientSchema,
  clientChangeSchema,
  clientSchema,
  describeChange,
  describeClient,
  describePlan,
  metadataBody,
  metadataPatch,
  operator,
  paging,
  planSchema,
} from './admin-schema.js';

export interface ClientOperationsDeps {
  readonly clients: ClientAdministration;
  readonly rules: ClientRules;
  readonly storage: Storage;
  readonly clock: Clock;
  /** How long the secret before a new one is accepted, where the operator does not say (seconds). */
  readonly secretOverlap: number;
}

const path = '/admin/v1/clients/{clientId}';
const params = z.object({ clientId: z.string() });
const common = { params, query: noParameters, body: noBody } as const;
const read = { scopes: ['clients:read'] };
const write = { scopes: ['clients:write'] };

/** Everything an operator does with one client or looks for among all. */
export function createClientOperations(deps: ClientOperationsDeps): readonly Operation[] {
  const { clients, rules, storage, clock, secretOverlap } = deps;
  const describe = (client: Parameters<typeof describeClient>[0]) =>
    describeClient(client, clock.now());

  /** One client alone: its logo is looked at too. */
  async function describeOne(client: Parameters<typeof describeClient>[0]) {
    const logo = await viewLogo(storage, client.value);
    return { ...describe(client), ...(logo && { logo }) };
  }

  /** @param made of a change that was carried out. */
  async function answer(
    { client, newSecret, plan }: Awaited<ReturnType<ClientAdministration['update']>>,
    setHeaders: (headers: Readonly<Record<string, string>>) => void,
  ) {
    const shown = await describeOne(client ?? (await clients.get(plan.clientId)));
    setHeaders({ etag: shown.etag });
    return { client: shown, ...(newSecret !== undefined && { clientSecret: newSecret }) };
  }

  return [
    defineOperation({
      id: 'listClients',
      method: 'get',
      path: '/admin/v1/clients',
      summary:
        'List clients by id, or those that a search finds by name, id, redirect host, business or software',
      ...read,
      params: noParameters,
      query: z.object({
        search: z.string().min(1).max(200).optional(),
        status: clientSchema.shape.status.optional(),
        managedBy: clientSchema.shape.managedBy.optional(),
        ...paging,
      }),
      body: noBody,
      status: 200,
      answer: z.object({ clients: z.array(clientSchema), next: z.string().optional() }),
      errors: [],
      async handle({ query: { cursor, ...search } }) {
        const found = await searchClients(storage, { ...search, after: cursor });
        return { ...found, clients: found.clients.map(describe) };
      },
    }),
    defineOperation({
      id: 'createClient',
      method: 'post',
      path: '/admin/v1/clients',
      summary: 'Make a client; its id and, where it needs one, its secret are made here',
      ...write,
      params: noParameters,
      query: noParameters,
      body: metadataBody,
      status: 201,
      answer: changedClientSchema,
      errors: ['BadRequest'],
      async handle({ token, body, setHeaders }) {
        const order = { by: operator(token), dryRun: false };
        return answer(await clients.create(body, order), setHeaders);
      },
    }),
    defineOperation({
      id: 'tryCreateClient',
      method: 'post',
      path: '/admin/v1/clients/dry-run',
      summary: 'What making a client would come to, and every rule that it breaks; nothing is done',
      ...read,
      params: noParameters,
      query: noParameters,
      body: metadataBody,
      status: 200,
      answer: planSchema,
      errors: [],
      async handle({ token, body }) {
        const { plan } = await clients.create(body, { by: operator(token), dryRun: true });
        return describePlan(plan, rules);
      },
    }),
    defineOperation({
      id: 'getClient',
      method: 'get',
      path,
      summary: 'Read a client',
      ...read,
      ...common,
      status: 200,
      answer: clientSchema,
      errors: ['NotFound'],
      async handle({ params: { clientId }, setHeaders }) {
        const client = await describeOne(await clients.get(clientId));
        setHeaders({ etag: client.etag });
        return client;
      },
    }),
    defineOperation({
      id: 'getEffectiveClient',
      method: 'get',
      path: `${path}/effective`,
      summary:
        'What is in force for a client: its metadata with defaults and what its profile adds',
      ...read,
      ...common,
      status: 200,
      answer: z.record(z.string(), z.unknown()),
      errors: ['NotFound'],
      handle: async ({ params: { clientId } }) => ({
        ...rules.effective((await clients.get(clientId)).value),
      }),
    }),
    defineOperation({
      id: 'updateClient',
      method: 'patch',
      path,
      summary: 'Change members of a client’s metadata (JSON Merge Patch: null removes)',
      ...write,
      ...common,
      body: metadataPatch,
      ifMatch: 'required',
      status: 200,
      answer: changedClientSchema,
      errors: ['NotFound'],
      async handle({ token, params: { clientId }, body, expect, setHeaders }) {
        const order = { by: operator(token), expect, dryRun: false };
        return answer(await clients.update(clientId, body, order), setHeaders);
      },
    }),
    defineOperation({
      id: 'tryUpdateClient',
      method: 'patch',
      path: `${path}/dry-run`,
      summary: 'Every rule that a change would break, and what of people it would end',
      ...read,
      ...common,
      body: metadataPatch,
      ifMatch: 'optional',
      status: 200,
      answer: planSchema,
      errors: ['NotFound'],
      async handle({ token, params: { clientId }, body, expect }) {
        const order = { by: operator(token), expect, dryRun: true };
        const { plan } = await clients.update(clientId, body, order);
        return describePlan(plan, rules);
      },
    }),
    defineOperation({
      id: 'deleteClient',
      method: 'delete',
      path,
      summary: 'Refuse everything to a client from now on, and end all it has of people',
      ...write,
      ...common,
      ifMatch: 'required',
      status: 204,
      answer: noAnswer,
      errors: ['NotFound'],
      async handle({ token, params: { clientId }, expect }) {
        await clients.remove(clientId, { by: operator(token), expect, dryRun: false });
      },
    }),
    defineOperation({
      id: 'tryDeleteClient',
      method: 'delete',
      path: `${path}/dry-run`,
      summary: 'Which live grants and connections deleting a client would end',
      ...read,
      ...common,
      ifMatch: 'optional',
      status: 200,
      answer: planSchema,
      errors: ['NotFound'],
      async handle({ token, params: { clientId }, expect }) {
        const order = { by: operator(token), expect, dryRun: true };
        return describePlan((await clients.remove(clientId, order)).plan);
      },
    }),
    ...[true, false].map((isActive) =>
      defineOperation({
        id: isActive ? 'enableClient' : 'disableClient',
        method: 'post',
        path: `${path}/${isActive ? 'enable' : 'disable'}`,
        summary: isActive
          ? 'Serve a client again'
          : 'Refuse everything to a client until it is enabled; nothing of it ends',
        ...write,
        ...common,
        ifMatch: 'required',
        status: 200,
        answer: changedClientSchema,
        errors: ['NotFound', 'Conflict'],
        async handle({ token, params: { clientId }, expect, setHeaders }) {
          const order = { by: operator(token), expect, dryRun: false };
          return answer(await clients.setActive(clientId, isActive, order), setHeaders);
        },
      }),
    ),
    defineOperation({
      id: 'rotateClientSecret',
      method: 'post',
      path: `${path}/secret`,
      summary: 'Give a client a new secret; the present one is accepted for a while longer',
      ...write,
      ...common,
      body: z.strictObject({
        overlapSeconds: z
          .number()
          .int()
          .min(0)
          .max(90 * 86_400)
          .optional()
          .describe('How long the present secret is accepted; 0 ends it now'),
      }),
      ifMatch: 'required',
      status: 200,
      answer: changedClientSchema,
      errors: ['NotFound', 'Conflict'],
      async handle({ token, params: { clientId }, body, expect, setHeaders }) {
        const order = { by: operator(token), expect, dryRun: false };
        const overlap = body.overlapSeconds ?? secretOverlap;
        return answer(await clients.rotateSecret(clientId, overlap, order), setHeaders);
      },
    }),
    defineOperation({
      id: 'fetchClientLogo',
      method: 'post',
      path: `${path}/logo`,
      summary: 'Have the logo at a client’s `logo_uri` fetched again, soon',
      ...write,
      ...common,
      status: 202,
      answer: clientSchema,
      errors: ['NotFound', 'Conflict'],
      handle: async ({ params: { clientId } }) => describeOne(await clients.fetchLogo(clientId)),
    }),
    defineOperation({
      id: 'getClientHistory',
      method: 'get',
      path: `${path}/history`,
      summary: 'Who changed what of a client, latest first; also of one that is deleted',
      ...read,
      ...common,
      query: z.object(paging),
      status: 200,
      answer: z.object({ changes: z.array(clientChangeSchema), next: z.string().optional() }),
      errors: ['NotFound'],
      async handle({ params: { clientId }, query: { limit, cursor } }) {
        const page = await clients.history(clientId, { limit, after: cursor });
        return {
          changes: page.records.map(({ value }) => describeChange(value)),
          ...(page.next !== undefined && { next: page.next }),
        };
      },
    }),
  ];
}
