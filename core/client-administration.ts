import { changeClient, commitChanges, OutdatedClient } from './change-client.js';
import { type ClientChange, clientChanges } from './client-change.js';
import { fetchLogoAt } from './client-logo.js';
import { readClientMetadata } from './client-metadata.js';
import type { ClientPlan, PlanClient } from './client-plan.js';
import type { ClientRules } from './client-rules.js';
import { etagOf, metadataOf } from './client-view.js';
import { type Author, type ClientRecord, clients } from './clients.js';
import type { Clock } from './clock.js';
import { asOperated, fitSecret, withMetadata } from './compose-client.js';
import { endClientAt } from './end-client.js';
import { mergePatch } from './merge-patch.js';
import { Refusal } from './refusal.js';
import type { Page, Storage, Stored } from './storage.js';

/** Whether an entity tag is one of those that the caller expects (RFC 9110 §13.1.1). */
export type ExpectEtag = (etag: string) => boolean;

/** A change, made or not. */
export interface ChangeOutcome {
  readonly plan: ClientPlan;
  /** As it is now; absent where nothing was done. */
  readonly client?: Stored<ClientRecord> | undefined;
  /** A secret that was made: nobody is shown it again. */
  readonly newSecret?: string | undefined;
}

/** Who changes which state of a client, and whether only to be told what would become of it. */
export interface ChangeOrder {
  readonly by: Author;
  readonly expect: ExpectEtag;
  readonly dryRun: boolean;
}

/** What operators do with clients. */
export interface ClientAdministration {
  /** @throws {Refusal} `not_found` */
  get(clientId: string): Promise<Stored<ClientRecord>>;
  /** Makes a client, its id and, where it needs one, its secret. @throws {BrokenRules} */
  create(metadata: unknown, order: Omit<ChangeOrder, 'expect'>): Promise<ChangeOutcome>;
  /**
   * Changes members of its metadata (RFC 7396).
   * @throws {Refusal} `not_found`, {@link OutdatedClient}, {@link BrokenRules}
   */
  update(clientId: string, patch: unknown, order: ChangeOrder): Promise<ChangeOutcome>;
  /**
   * Refuses everything to it, or no longer, whoever manages it. Throws as `update`, and {@link Refusal}
   * `conflict` where operators disable themselves.
   */
  setActive(clientId: string, isActive: boolean, order: ChangeOrder): Promise<ChangeOutcome>;
  /** Refuses everything to it from now on and ends what it has of people. Throws as `update`. */
  remove(clientId: string, order: ChangeOrder): Promise<ChangeOutcome>;
  /**
   * Gives it a new secret; the present one is accepted for `overlap` seconds more. An earlier one
   * ends. Throws as `update`.
   */
  rotateSecret(clientId: string, overlap: number, order: ChangeOrder): Promise<ChangeOutcome>;
  /**
   * Has its logo fetched again, soon: no change of the client.
   * @throws {Refusal} `not_found`; `conflict` where it has no `logo_uri`.
   */
  fetchLogo(clientId: string): Promise<Stored<ClientRecord>>;
  /** Its changes, latest first. @throws {Refusal} `not_found` for one that never was. */
  history(
    clientId: string,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): Promise<Page<ClientChange>>;
}

export interface ClientAdministrationDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly rules: ClientRules;
  readonly planClient: PlanClient;
  readonly newId: () => string;
  readonly newSecret: () => string;
}

/** See {@link ClientAdministration}. */
export function createClientAdministration(deps: ClientAdministrationDeps): ClientAdministration {
  const { storage, clock, rules, planClient, newId, newSecret } = deps;

  async function get(clientId: string): Promise<Stored<ClientRecord>> {
    const client = await storage.get(clients, clientId);
    if (!client) throw new Refusal('not_found', 'There is no such client');
    return client;
  }

  async function getExpected(clientId: string, expect: ExpectEtag): Promise<Stored<ClientRecord>> {
    const client = await get(clientId);
    if (!expect(etagOf(client))) throw new OutdatedClient();
    return client;
  }

  async function carryOut(
    plan: ClientPlan,
    { by, dryRun }: Omit<ChangeOrder, 'expect'>,
  ): Promise<ChangeOutcome> {
    if (dryRun) return { plan };
    await commitChanges(storage, changeClient(plan, by, new Date(clock.now())));
    const { before, after } = plan;
    const secret = after?.client_secret;
    const isNew = secret !== undefined && secret !== before?.value.client_secret;
    return {
      plan,
      client: await storage.get(clients, plan.clientId),
      ...(isNew && { newSecret: secret }),
    };
  }

  return {
    get,

    async create(metadata, order) {
      const clientId = newId();
      const read = readClientMetadata(metadata);
      const made: ClientRecord = {
        client_id: clientId,
        client_id_issued_at: Math.floor(clock.now() / 1000),
        managed_by: 'api',
        ...read.metadata,
      };
      const after = fitSecret(made, rules, newSecret);
      const wanted = { action: 'created', after, brokenRules: read.rules } as const;
      return carryOut(await planClient(clientId, wanted), order);
    },

    async update(clientId, patch, order) {
      const before = await getExpected(clientId, order.expect);
      const read = readClientMetadata(mergePatch(metadataOf(before.value), patch));
      const said = withMetadata(before.value, read.metadata);
      const after = fitSecret(asOperated(said, before.value), rules, newSecret);
      const wanted = { action: 'updated', before, after, brokenRules: read.rules } as const;
      return carryOut(await planClient(clientId, wanted), order);
    },

    async setActive(clientId, isActive, order) {
      if (!isActive && order.by.kind === 'operator' && order.by.id === clientId) {
        throw new Refusal('conflict', 'You cannot disable yourself: another operator can');
      }
      const before = await getExpected(clientId, order.expect);
      if (before.value.client_status === 'ending') {
        throw new Refusal('conflict', 'The client is being deleted');
      }
      const { client_status: _status, ...rest } = before.value;
      const after: ClientRecord = {
        ...rest,
        client_id: clientId,
        ...(!isActive && { client_status: 'inactive' }),
      };
      const isSame = (before.value.client_status === undefined) === isActive;
      // An operator at night disables any client, wherever it is managed: no rule stands in the way.
      const plan: ClientPlan = {
        clientId,
        action: isSame ? 'unchanged' : isActive ? 'enabled' : 'disabled',
        changes: [],
        brokenRules: [],
        before,
        after,
      };
      return carryOut(plan, order);
    },

    async remove(clientId, order) {
      const before = await getExpected(clientId, order.expect);
      if (before.value.client_status === 'ending') {
        const plan = {
          clientId,
          action: 'unchanged',
          changes: [],
          brokenRules: [],
          before,
        } as const;
        if (!order.dryRun) await storage.commit([endClientAt(clientId, new Date(clock.now()))]);
        return { plan };
      }
      return carryOut(await planClient(clientId, { action: 'deleted', before }), order);
    },

    async rotateSecret(clientId, overlap, order) {
      const before = await getExpected(clientId, order.expect);
      const { client_secret: present, previous_client_secret: _previous, ...rest } = before.value;
      if (present === undefined) {
        throw new Refusal('conflict', 'The client has no secret: it proves itself in another way');
      }
      const expires_at = new Date(clock.now() + overlap * 1000).toISOString();
      const after: ClientRecord = {
        ...rest,
        client_id: clientId,
        client_secret: newSecret(),
        ...(overlap > 0 && { previous_client_secret: { value: present, expires_at } }),
      };
      return carryOut(
        await planClient(clientId, { action: 'secret_rotated', before, after }),
        order,
      );
    },

    async fetchLogo(clientId) {
      const client = await get(clientId);
      const { logo_uri: uri } = client.value;
      if (uri === undefined) throw new Refusal('conflict', 'The client has no logo_uri');
      await storage.commit([fetchLogoAt(clientId, uri, new Date(clock.now()))]);
      return client;
    },

    async history(clientId, page) {
      const found = await storage.find(clientChanges, {
        index: 'client',
        equals: clientId,
        order: 'descending',
        ...page,
      });
      if (found.records.length === 0) await get(clientId);
      return found;
    },
  };
}
