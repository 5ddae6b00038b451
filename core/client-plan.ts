import type { BrokenRule } from './broken-rule.js';
import { type ClientAction, compareClients, type MemberChange } from './client-change.js';
import { type ClientHoldings, type Holdings, nothingHeld } from './client-holdings.js';
import { topMember } from './client-metadata.js';
import type { ClientRules } from './client-rules.js';
import type { ClientRecord } from './clients.js';
import { keepAlgorithms } from './keep-algorithms.js';
import type { Stored } from './storage.js';

/** What a change takes away from people. */
export interface PlannedEnd extends Holdings {
  /** Why, one sentence. */
  readonly because: string;
}

/** What is wanted of a client: to be this, or, without `after`, to be gone. */
export interface WantedClient {
  readonly action: ClientAction;
  /** The client as it is; absent where it is new. */
  readonly before?: Stored<ClientRecord> | undefined;
  /** As it is to be; absent where it is to be removed. */
  readonly after?: ClientRecord | undefined;
  /** What is wrong with what was sent; `after` is without those members. */
  readonly brokenRules?: readonly BrokenRule[] | undefined;
}

/** A change to one client: worked out, held to every rule, and not made yet. */
export interface ClientPlan extends Omit<WantedClient, 'action'> {
  readonly clientId: string;
  /** `unchanged`: it is that way already. */
  readonly action: ClientAction | 'unchanged';
  readonly changes: readonly MemberChange[];
  /** All of them; with any, the change is refused. */
  readonly brokenRules: readonly BrokenRule[];
  readonly ends?: PlannedEnd | undefined;
}

/** Works a change to a client out. It writes nothing. */
export type PlanClient = (clientId: string, wanted: WantedClient) => Promise<ClientPlan>;

/** See {@link PlanClient}. */
export function createClientPlanner(deps: {
  readonly rules: ClientRules;
  readonly holdings: Pick<ClientHoldings, 'list'>;
}): PlanClient {
  const { rules, holdings } = deps;

  async function findEnds(clientId: string, { before, after }: WantedClient) {
    if (!before) return undefined;
    if (!after) {
      return { because: 'The client is deleted', ...(await holdings.list(clientId)) };
    }
    if (!mayRefresh(before.value) || mayRefresh(after)) return undefined;
    const { grants } = await holdings.list(clientId);
    const because = 'Without the grant type refresh_token nothing outlives its access token';
    return { because, grants, connections: nothingHeld };
  }

  return async function planClient(clientId, wanted) {
    const { action, before, brokenRules = [] } = wanted;
    const after = wanted.after && keepAlgorithms(wanted.after, before?.value, rules);
    const named = new Set(brokenRules.map(topMember));
    const all = compareClients(before?.value, after);
    // What breaks its form has no value to show: without one it would read as removed.
    const changes = all.filter(({ member }) => !named.has(member) || after?.[member] !== undefined);
    const isSame = before !== undefined && after !== undefined && all.length === 0;
    const isSaid = action === 'created' || action === 'updated';
    const found = isSaid && after && !isSame ? await rules.findBroken(after) : [];
    const told = new Set(brokenRules.flatMap((rule) => [rule.member, topMember(rule)]));
    return {
      clientId,
      action: isSame ? 'unchanged' : action,
      changes,
      brokenRules: [
        ...brokenRules,
        ...(before && !isSame ? findForeign(before.value) : []),
        ...found.filter(({ member }) => !told.has(member)),
      ],
      ends: await findEnds(clientId, wanted),
      before,
      after,
    };
  };
}

/** What is said of a client in another place is not changed here. */
function findForeign(client: ClientRecord): readonly BrokenRule[] {
  const { managed_by: managedBy, operator, client_status: status } = client;
  return [
    ...(managedBy === 'file'
      ? [{ member: 'managed_by', rule: 'is the configuration file: change the client there' }]
      : []),
    ...(operator
      ? [
          {
            member: 'operator',
            rule: 'is set: operators are made and removed by the admin command',
          },
        ]
      : []),
    ...(status === 'ending'
      ? [{ member: 'client_status', rule: 'is ending: the client is being deleted' }]
      : []),
  ];
}

function mayRefresh({ grant_types: types = [] }: ClientRecord): boolean {
  return types.includes('refresh_token');
}
