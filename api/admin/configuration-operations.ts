import { z } from 'zod';
import {
  type ClientConfiguration,
  configurationDocumentSchema,
} from '../../core/client-configuration.js';
import { defineOperation, noBody, noParameters, type Operation } from '../operation.js';
import { configurationPlanSchema, describeConfigurationPlan, operator } from './admin-schema.js';

const query = z.object({
  prune: z
    .stringbool()
    .default(false)
    .describe('Also deletes the clients that the configuration does not name'),
});
/** What is planned in seconds; the command takes larger ones. */
const boundedDocument = configurationDocumentSchema.refine(
  ({ clients }) => clients.length <= 10_000,
  {
    error: 'must not name more than 10000 clients; the command takes more',
    path: ['clients'],
  },
);

const common = {
  params: noParameters,
  query,
  body: boundedDocument,
  maxBodyBytes: 8 * 1024 * 1024,
  status: 200,
  answer: configurationPlanSchema,
  errors: [],
} as const;

/** The whole configuration as one document: read, compared, applied. Secrets do not leave this way. */
export function createConfigurationOperations(
  configuration: ClientConfiguration,
): readonly Operation[] {
  return [
    defineOperation({
      id: 'exportConfiguration',
      method: 'get',
      path: '/admin/v1/configuration',
      summary: 'All clients as one document, without their secrets',
      scopes: ['clients:read'],
      params: noParameters,
      query: noParameters,
      body: noBody,
      status: 200,
      answer: configurationDocumentSchema,
      errors: [],
      handle: () => configuration.export({ withSecrets: false }),
    }),
    defineOperation({
      id: 'planConfiguration',
      method: 'post',
      path: '/admin/v1/configuration/plan',
      summary: 'What applying a document would change, break and end; nothing is done',
      scopes: ['clients:read'],
      ...common,
      handle: async ({ body, query: { prune } }) =>
        describeConfigurationPlan(await configuration.plan(body, { prune })),
    }),
    defineOperation({
      id: 'applyConfiguration',
      method: 'post',
      path: '/admin/v1/configuration/apply',
      summary: 'Make the clients those of a document; applied again, it changes nothing',
      scopes: ['clients:write'],
      ...common,
      errors: ['PreconditionFailed'],
      async handle({ token, body, query: { prune } }) {
        const by = operator(token);
        return describeConfigurationPlan(await configuration.apply(body, { prune, by }));
      },
    }),
  ];
}
