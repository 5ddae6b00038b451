import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { BrokenRules } from './broken-rule.js';
import { changeClient, commitChanges } from './change-client.js';
import { readClientMetadata } from './client-metadata.js';
import type { ClientPlan, PlanClient } from './client-plan.js';
import type { ClientRules } from './client-rules.js';
import { metadataOf } from './client-view.js';
import { type Author, type ClientRecord, clients } from './clients.js';
import type { Clock } from './clock.js';
import { asConfigured, fitSecret, withMetadata } from './compose-client.js';
import { endClientAt } from './end-client.js';
import { findAll } from './find-all.js';
import type { Storage, Stored } from './storage.js';

/** One client in a configuration: its metadata, and what else an installation cannot know by itself. */
const entrySchema = z
  .looseObject({
    client_id: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[\x20-\x7e]+$/),
    client_status: z.literal('inactive').optional(),
    client_secret: z
      .string()
      .min(32)
      .max(255)
      .regex(/^[\x20-\x7e]+$/)
      .optional(),
  })
  .meta({ id: 'ConfiguredClient' });

type Entry = z.infer<typeof entrySchema>;

/**
 * The whole configuration that operators make, as one file. Operators themselves are not in it: they
 * belong to an installation.
 */
export const configurationDocumentSchema = z
  .strictObject({
    format: z.literal('assent-configuration'),
    version: z.literal(1),
    clients: z
      .array(entrySchema)
      .max(100_000)
      .refine((all) => new Set(all.map((entry) => entry.client_id)).size === all.length, {
        error: 'must not name a client twice',
      }),
  })
  .meta({ id: 'ConfigurationDocument' });

export type ConfigurationDocument = z.infer<typeof configurationDocumentSchema>;

/** What applying a configuration would do, client by client; what stays as it is only counts. */
export interface ConfigurationPlan {
  /** Of a document with many mistakes, not every one is told. */
  readonly clients: readonly ClientPlan[];
  readonly unchanged: number;
}

export interface ApplyOptions {
  /** Deletes the clients that the configuration does not name, and all that they have of people. */
  readonly prune: boolean;
}

/** The configuration as one file: the same file applied twice changes nothing the second time. */
export interface ClientConfiguration {
  /** Every client but operators and those being deleted, by id. */
  export(options: { readonly withSecrets: boolean }): Promise<ConfigurationDocument>;
  plan(document: ConfigurationDocument, options: ApplyOptions): Promise<ConfigurationPlan>;
  /**
   * Makes all changes in one commit. Where an engine cannot do that and stops in between, applying
   * again does the rest.
   * @throws {BrokenRules} with every rule of every client, {@link OutdatedClient} where somebody
   * changed one of them at the same time; nothing is changed then.
   */
  apply(
    document: ConfigurationDocument,
    options: ApplyOptions & { readonly by: Author },
  ): Promise<ConfigurationPlan>;
}

interface ClientConfigurationDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly rules: ClientRules;
  readonly planClient: PlanClient;
  readonly newSecret: () => string;
}

/** See {@link ClientConfiguration}. */
export function createClientConfiguration(deps: ClientConfigurationDeps): ClientConfiguration {
  const { storage, clock, rules, planClient, newSecret } = deps;

  const readAll = () => findAll(storage, clients, { index: 'id', from: '' });

  function toClient(entry: Entry, before: Stored<ClientRecord> | undefined) {
    const { client_id, client_status, client_secret, ...sent } = entry;
    const { metadata, rules: form } = readClientMetadata(sent);
    const { client_status: _status, ...kept } = before?.value ?? {
      client_id,
      client_id_issued_at: Math.floor(clock.now() / 1000),
      managed_by: 'api',
    };
    const record = withMetadata({ ...kept, client_id }, metadata);
    const after = {
      ...(before ? asConfigured(record, before.value) : record),
      ...(client_status && { client_status }),
      ...(client_secret && { client_secret }),
    };
    const lacksSecret = after.client_secret === undefined && rules.needsSecret(after);
    return {
      after: fitSecret(after, rules, newSecret),
      brokenRules: lacksSecret ? [...form, missingSecret] : form,
    };
  }

  async function planAll(
    { clients: entries }: ConfigurationDocument,
    { prune }: ApplyOptions,
  ): Promise<readonly ClientPlan[]> {
    const stored = new Map((await readAll()).map((client) => [client.id, client]));
    const plans: ClientPlan[] = [];
    for (const entry of entries) {
      // Many thousands of them are no pause of everything else.
      await setImmediate();
      const before = stored.get(entry.client_id);
      const action = before ? 'updated' : 'created';
      plans.push(await planClient(entry.client_id, { action, before, ...toClient(entry, before) }));
    }
    if (!prune) return plans;
    const named = new Set(entries.map((entry) => entry.client_id));
    for (const before of stored.values()) {
      if (named.has(before.id) || !isPrunable(before.value)) continue;
      plans.push(await planClient(before.id, { action: 'deleted', before }));
    }
    return plans;
  }

  function summarise(plans: readonly ClientPlan[]): ConfigurationPlan {
    const isQuiet = ({ action, brokenRules }: ClientPlan) =>
      action === 'unchanged' && brokenRules.length === 0;
    let told = 0;
    const shorten = (plan: ClientPlan): ClientPlan => {
      const brokenRules = plan.brokenRules.slice(0, Math.max(1, mostTold - told));
      told += brokenRules.length;
      return { ...plan, brokenRules };
    };
    return {
      clients: plans.filter((plan) => !isQuiet(plan)).map(shorten),
      unchanged: plans.filter(isQuiet).length,
    };
  }

  return {
    async export({ withSecrets }) {
      const all = (await readAll()).map(({ value }) => value);
      return {
        format: 'assent-configuration',
        version: 1,
        clients: all.filter(isConfigured).map((client) => ({
          client_id: client.client_id,
          ...(client.client_status === 'inactive' && { client_status: client.client_status }),
          ...(withSecrets && client.client_secret && { client_secret: client.client_secret }),
          ...metadataOf(client),
        })),
      };
    },

    plan: async (document, options) => summarise(await planAll(document, options)),

    async apply(document, options) {
      const plans = await planAll(document, options);
      const broken = plans.flatMap(({ clientId, brokenRules }) =>
        brokenRules.map((rule) => ({ ...rule, member: `${clientId}: ${rule.member}` })),
      );
      if (broken.length > 0) throw new BrokenRules(broken.slice(0, mostTold));
      const at = new Date(clock.now());
      const ending = (await readAll()).filter(({ value }) => value.client_status === 'ending');
      await commitChanges(storage, [
        ...plans.flatMap((plan) => changeClient(plan, options.by, at)),
        // Where an engine stopped after the one write and before the other.
        ...ending.map(({ id }) => endClientAt(id, at)),
      ]);
      return summarise(plans);
    },
  };
}

/** Broken rules that are told of all clients together; of each client that has some, one at least. */
const mostTold = 1000;

/** Nobody would know a secret that was made here. */
const missingSecret = {
  member: 'client_secret',
  rule: 'is missing: the client proves itself by one, and none is known here; export with secrets',
};

function isConfigured({ operator, client_status: status }: ClientRecord): boolean {
  return operator === undefined && status !== 'ending';
}

function isPrunable(client: ClientRecord): boolean {
  return isConfigured(client) && client.managed_by !== 'file';
}
