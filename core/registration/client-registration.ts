import { isDeepStrictEqual } from 'node:util';
import type { BrokenRule } from '../broken-rule.js';
import { changeClient, OutdatedClient } from '../change-client.js';
import { type ClientChange, clientChanges } from '../client-change.js';
import { topMember } from '../client-metadata.js';
import type { PlanClient } from '../client-plan.js';
import type { ClientRules } from '../client-rules.js';
import { metadataOf } from '../client-view.js';
import { type Author, type ClientRecord, clients, isActive } from '../clients.js';
import type { Clock } from '../clock.js';
import { fitSecret } from '../compose-client.js';
import { persistent, retryConflict } from '../retry-conflict.js';
import {
  remove,
  type Storage,
  StorageConflict,
  type Stored,
  update,
  type Write,
} from '../storage.js';
import { hashToken, isHashOf } from './initial-access-tokens.js';
import { type RegistrationTerms, readRegistration } from './read-registration.js';
import { isRegistrable } from './registration-policy.js';
import type { Registration } from './registration-record.js';
import { RegistrationRefused } from './registration-refused.js';

/** What allows a registration, and on which terms. */
export interface Allowance extends RegistrationTerms {
  readonly by: string;
  /** The writes that use it up. @throws {RegistrationRefused} where it is used up. */
  use(clientId: string): Promise<readonly Write[]>;
}

/** A client as it was registered. */
export interface Registered {
  readonly client: ClientRecord;
  /** The registration access token to be used from now on; undefined where that stays as it is. */
  readonly token: string | undefined;
  readonly ignored: readonly string[];
}

/** A client that proved itself. */
export interface ManagedClient {
  readonly stored: Stored<ClientRecord>;
  readonly registration: Registration;
  /** Its registration access token (RFC 7592 §2), where that is what proved it. */
  readonly token?: string;
}

/**
 * Clients that register and manage themselves (RFC 7591, RFC 7592): by the same rules as those that
 * operators make, and into the same history.
 */
export interface ClientRegistration {
  /** @throws {BrokenRules}, {@link RegistrationRefused} */
  register(
    sent: Readonly<Record<string, unknown>>,
    allow: () => Promise<Allowance>,
  ): Promise<Registered>;
  /** @throws {RegistrationRefused} `invalid_token`: for another client's token, too (SEC-49). */
  authenticate(clientId: string, token: string): Promise<ManagedClient>;
  /**
   * A client that proved itself in another way.
   * @throws {RegistrationRefused} `invalid_token` for one that did not register itself, or is gone.
   */
  find(clientId: string): Promise<ManagedClient>;
  /** Replaces what the client says of itself; what operators said stays. Throws as `register`. */
  update(
    client: ManagedClient,
    sent: Readonly<Record<string, unknown>>,
    allowance: Allowance,
  ): Promise<Registered>;
  /**
   * Refuses everything to it from now on and ends what it has of people, whatever else is done to it at
   * the same time.
   */
  remove(client: ManagedClient): Promise<void>;
}

export interface ClientRegistrationDeps {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly rules: ClientRules;
  readonly planClient: PlanClient;
  readonly newId: () => string;
  readonly newSecret: () => string;
  /** What is wrong with the keys at a client's `jwks_uri`. */
  readonly findRemoteKeyFaults: (client: ClientRecord) => Promise<readonly BrokenRule[]>;
}

/** See {@link ClientRegistration}. */
export function createClientRegistration(deps: ClientRegistrationDeps): ClientRegistration {
  const { storage, clock, rules, planClient, newId, newSecret, findRemoteKeyFaults } = deps;

  /** The writes of the change, none where nothing changes. */
  async function plan(
    wanted: { readonly before?: Stored<ClientRecord>; readonly after: ClientRecord },
    brokenRules: readonly BrokenRule[],
    by: string,
  ): Promise<{ readonly after: ClientRecord; readonly writes: readonly Write[] }> {
    const { before } = wanted;
    const after = fitSecret(wanted.after, rules, newSecret);
    const action = before ? 'updated' : 'created';
    const planned = await planClient(after.client_id, { action, before, after, brokenRules });
    const remote = planned.brokenRules.length > 0 ? [] : await findRemoteKeyFaults(after);
    const checked = { ...planned, brokenRules: [...planned.brokenRules, ...remote] };
    const at = new Date(clock.now());
    const writes = changeClient(checked, authorOf(by), at);
    return { after: planned.after ?? after, writes };
  }

  async function find(clientId: string): Promise<ManagedClient> {
    const stored = await storage.get(clients, clientId);
    const registration = stored?.value.registration;
    if (!stored || !registration || !isActive(stored.value)) throw unknownToken();
    return { stored, registration };
  }

  function authenticate(clientId: string, token: string): Promise<ManagedClient> {
    return retryConflict(async () => {
      const { stored, registration } = await find(clientId);
      const { tokenHash, previousTokenHash: previous } = registration;
      if (isHashOf(tokenHash, token)) {
        if (previous === undefined) return { stored, registration, token };
        const { previousTokenHash: _seen, ...rest } = registration;
        await storage.commit([update(clients, stored, { ...stored.value, registration: rest })]);
        const seen = await storage.get(clients, clientId);
        return { stored: seen ?? stored, registration: rest, token };
      }
      if (previous !== undefined && isHashOf(previous, token)) {
        return { stored, registration, token };
      }
      throw unknownToken();
    });
  }

  /** The writes that keep the history of a client short that changes itself again and again. */
  async function forgetOldChanges(clientId: string): Promise<readonly Write[]> {
    if ((await storage.count(clientChanges, 'client', clientId)) < mostChanges) return [];
    const isOwn = ({ value: { by, action } }: Stored<ClientChange>) =>
      by.kind === 'registration' && action === 'updated';
    const oldest: Stored<ClientChange>[] = [];
    // What others did is not forgotten, however much of it comes first.
    let after: string | undefined;
    do {
      const query = { index: 'client', equals: clientId, limit: mostChanges, after };
      const page = await storage.find(clientChanges, query);
      oldest.push(...page.records.filter(isOwn));
      after = page.next;
    } while (after !== undefined && oldest.length < 2);
    return oldest.slice(0, 2).map(({ id }) => remove(clientChanges, id));
  }

  return {
    ...{ find, authenticate },

    async register(sent, allow) {
      const allowance = await allow();
      const clientId = newId();
      const token = newSecret();
      const { metadata, ignored, rules: form } = readRegistration(sent, allowance);
      const { by, policy } = allowance;
      const made: ClientRecord = {
        client_id: clientId,
        client_id_issued_at: Math.floor(clock.now() / 1000),
        managed_by: 'api',
        registration: { by, policy, tokenHash: hashToken(token) },
        ...metadata,
      };
      const { after, writes } = await plan({ after: made }, form, by);
      // Many may be using what allows it at once, for clients that have nothing else in common.
      await retryConflict(async () => {
        const { use } = await allow();
        await storage.commit([...(await use(clientId)), ...writes]);
      }, persistent);
      return { client: after, token, ignored };
    },

    async update({ stored, registration: present, token }, sent, allowance) {
      const { value: before } = stored;
      const kept = new Set(before.set_by_operators);
      const said = metadataOf(before);
      const ofOperators = pickMembers(said, (member) => kept.has(member));
      const read = readRegistration(
        { ...pickMembers(sent, (member) => !kept.has(member)), ...ofOperators },
        allowance,
      );
      const metadata = pickMembers(read.metadata, (member) => !kept.has(member));
      // Operators are not held to the policy of who lets clients in.
      const form = read.rules.filter((rule) => !kept.has(topMember(rule)));
      const overruled = Object.keys(sent).filter(
        (member) => kept.has(member) && !isDeepStrictEqual(sent[member], said[member]),
      );
      const ignored = [...overruled, ...read.ignored.filter((member) => !kept.has(member))];
      const others = pickMembers(
        said,
        (member) => !isRegistrable(member, allowance.policy) && !(member in metadata),
      );
      const { by, policy } = allowance;
      const newToken = token === undefined ? undefined : newSecret();
      const made: ClientRecord = {
        ...ownMembersOf(before),
        ...{ ...others, ...metadata, ...ofOperators },
        client_id: before.client_id,
        registration: {
          ...{ ...present, by, policy },
          ...(token !== undefined &&
            newToken !== undefined && {
              tokenHash: hashToken(newToken),
              previousTokenHash: hashToken(token),
            }),
        },
      };
      const { after, writes } = await plan({ before: stored, after: made }, form, by);
      if (writes.length === 0) return { client: before, token, ignored };
      const used = await allowance.use(before.client_id);
      const forgotten = await forgetOldChanges(before.client_id);
      await commit(storage, [...used, ...writes, ...forgotten]);
      return { client: after, token: newToken, ignored };
    },

    async remove({ stored: { id }, token }) {
      await retryConflict(async () => {
        const { stored, registration } = await (token === undefined
          ? find(id)
          : authenticate(id, token));
        const planned = await planClient(id, { action: 'deleted', before: stored });
        const at = new Date(clock.now());
        await storage.commit(changeClient(planned, authorOf(registration.by), at));
      }, persistent);
    },
  };
}

/** Entries in the history of a client from when on its own older changes make way. */
const mostChanges = 100;

function pickMembers(
  members: Readonly<Record<string, unknown>>,
  isPicked: (member: string) => boolean,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(members).filter(([member]) => isPicked(member)));
}

/** What a record has that is no metadata: who made it, its secret. */
function ownMembersOf(client: ClientRecord): ClientRecord {
  const metadata = metadataOf(client);
  const own = Object.entries(client).filter(([member]) => !(member in metadata));
  return { ...Object.fromEntries(own), client_id: client.client_id };
}

function authorOf(by: string): Author {
  return { kind: 'registration', id: by };
}

function unknownToken(): RegistrationRefused {
  const message = 'The registration access token is not one of this client';
  return new RegistrationRefused('invalid_token', message);
}

async function commit(storage: Storage, writes: readonly Write[]): Promise<void> {
  try {
    await storage.commit(writes);
  } catch (error) {
    if (!(error instanceof StorageConflict)) throw error;
    throw new OutdatedClient({ cause: error });
  }
}
