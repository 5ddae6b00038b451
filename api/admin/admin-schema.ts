import { z } from 'zod';
import type { ClientChange } from '../../core/client-change.js';
import type { ClientConfiguration } from '../../core/client-configuration.js';
import { clientMetadataSchema } from '../../core/client-metadata.js';
import type { ClientPlan } from '../../core/client-plan.js';
import type { ClientRules } from '../../core/client-rules.js';
import { etagOf, viewClient } from '../../core/client-view.js';
import type { Author, ClientRecord } from '../../core/clients.js';
import type { Stored } from '../../core/storage.js';
import { brokenRuleSchema } from '../error-schema.js';

const time = z.iso.datetime();

export const authorSchema = z.object({
  kind: z.enum(['operator', 'command', 'file', 'registration', 'program']),
  id: z.string(),
});

/** Of what is listed by time or by id. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().max(1000).optional().describe('The `next` of the page before'),
};

/** The operator whose token came. */
export function operator({ clientId }: { readonly clientId: string }): Author {
  return { kind: 'operator', id: clientId };
}

export const clientSchema = z
  .object({
    clientId: z.string(),
    etag: z.string().describe('For `If-Match`'),
    status: z.enum(['active', 'inactive', 'ending']),
    managedBy: z.enum(['file', 'api']),
    isOperator: z.boolean(),
    hasSecret: z.boolean(),
    previousSecretExpiresAt: time.optional(),
    createdAt: time.optional(),
    updatedAt: time.optional(),
    updatedBy: authorSchema.optional(),
    logo: z
      .object({
        status: z.enum(['pending', 'shown', 'failed']),
        problem: z.string().optional().describe('Why there is none, or no newer one'),
      })
      .optional()
      .describe('What became of `logo_uri`; not in lists'),
    metadata: z.record(z.string(), z.unknown()).describe('As in `ClientMetadata`'),
  })
  .meta({ id: 'Client' });

export const changedClientSchema = z.object({
  client: clientSchema,
  clientSecret: z.string().optional().describe('Where one was made; it is not shown again'),
});

const memberChange = z.object({
  member: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});

const held = z.object({
  total: z.int(),
  ids: z.array(z.string()).describe('The first hundred'),
  isComplete: z.boolean().describe('False: there may be more'),
});

export const planSchema = z
  .object({
    clientId: z.string(),
    action: z.enum([
      'created',
      'updated',
      'disabled',
      'enabled',
      'deleted',
      'secret_rotated',
      'unchanged',
    ]),
    changes: z.array(memberChange),
    brokenRules: z.array(brokenRuleSchema),
    ends: z.object({ because: z.string(), grants: held, connections: held }).optional(),
    effective: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('What would be in force afterwards, defaults included'),
  })
  .meta({ id: 'ClientPlan' });

export const configurationPlanSchema = z
  .object({ clients: z.array(planSchema), unchanged: z.int() })
  .meta({ id: 'ConfigurationPlan' });

export const clientChangeSchema = z
  .object({
    at: time,
    by: authorSchema,
    action: planSchema.shape.action.exclude(['unchanged']),
    changes: z.array(memberChange),
  })
  .meta({ id: 'ClientChange' });

/**
 * Metadata as it is sent. It is described by its schema and taken as it comes: the rules of form are
 * told together with all others, see `details`.
 */
export const metadataBody = takenAsItComes(clientMetadataSchema);
export const metadataPatch = takenAsItComes(clientMetadataSchema).describe(
  'Members of `ClientMetadata`; null removes one',
);

function takenAsItComes(schema: z.ZodType) {
  return z.unknown().meta({ allOf: [z.toJSONSchema(schema, { io: 'input' })] });
}

export function describeClient(client: Stored<ClientRecord>, now: number) {
  return { ...viewClient(client.value, now), etag: etagOf(client) };
}

export function describeChange({ at, by, action, changes }: ClientChange) {
  return { at, by, action, changes: [...changes] };
}

export function describePlan(plan: ClientPlan, rules?: Pick<ClientRules, 'effective'>) {
  const { clientId, action, changes, brokenRules, ends, after } = plan;
  return {
    ...{ clientId, action },
    // First what stands in the way, and what people would lose.
    brokenRules: [...brokenRules],
    ...(ends && { ends: describeEnds(ends) }),
    changes: [...changes],
    ...(rules && after && brokenRules.length === 0 && { effective: rules.effective(after) }),
  };
}

function describeEnds({ because, grants, connections }: NonNullable<ClientPlan['ends']>) {
  return {
    because,
    grants: { ...grants, ids: [...grants.ids] },
    connections: { ...connections, ids: [...connections.ids] },
  };
}

export function describeConfigurationPlan(plan: Awaited<ReturnType<ClientConfiguration['plan']>>) {
  return {
    clients: plan.clients.map((client) => describePlan(client)),
    unchanged: plan.unchanged,
  };
}
