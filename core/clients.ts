import type { Registration } from './registration/registration-record.js';
import type { Collection, Storage, Stored } from './storage.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';

/** What an operator's token can allow. */
export const operatorScopes = ['clients:read', 'clients:write', 'keys:read', 'keys:write'] as const;
export type OperatorScope = (typeof operatorScopes)[number];

/** Who made or changed a client. */
export interface Author {
  /**
   * The Admin API's operator, the `admin` command, the configuration file, the client itself, or the
   * program: by its settings, or as who embeds it wrote it.
   */
  readonly kind: 'operator' | 'command' | 'file' | 'registration' | 'program';
  /** The operator's client id, the person at the command, or what of the program. */
  readonly id: string;
}

/**
 * A registered client: the metadata of RFC 7591 as `oidc-provider` reads it (snake_case, standard
 * names) and Assent's own members. Validated when it is saved, trusted afterwards. Here are the members
 * that the product itself reads; `core/client-metadata.ts` has all.
 */
export interface ClientMetadata {
  readonly client_id: string;
  readonly client_secret?: string | undefined;
  readonly client_name?: string | undefined;
  readonly client_uri?: string | undefined;
  readonly logo_uri?: string | undefined;
  readonly policy_uri?: string | undefined;
  readonly tos_uri?: string | undefined;
  readonly redirect_uris?: readonly string[] | undefined;
  readonly grant_types?: readonly string[] | undefined;
  readonly scope?: string | undefined;
  /** The security profile this client is held to (architecture decision 3). */
  readonly profile?: string | undefined;
  /**
   * The client shows its own approved consent screens, so the hosted one is skipped ("Enforce user
   * consent: No" of the identity service).
   */
  readonly own_consent_screens?: boolean | undefined;
  /**
   * A protected resource, which may introspect the access tokens of every client that are for it: for
   * its `audience`, or without for our own API (`docs/resource.md`).
   */
  readonly resource_server?: boolean | undefined;
  /** Where it is told of what happens to its users and connections. */
  readonly webhooks?: readonly WebhookEndpoint[] | undefined;
  /** Of a client that registered itself: what it says no more, because operators did. */
  readonly set_by_operators?: readonly string[] | undefined;
  readonly [member: string]: unknown;
}

/**
 * A client as it is stored. What it has besides its metadata is unknown to `oidc-provider`, which
 * drops it: so no registration can set it, and no answer of the library shows it.
 */
export interface ClientRecord extends ClientMetadata {
  /** Seconds since the epoch. A token issued before was another's, who had the same id. */
  readonly client_id_issued_at?: number | undefined;
  /** `file`: the configuration file says what it is, and the Admin API only reads it. */
  readonly managed_by?: 'file' | 'api' | undefined;
  /**
   * Everything is refused to it: for the time being, or for good while what it has of people is ended,
   * after which it is removed (`core/end-client.ts`).
   */
  readonly client_status?: 'inactive' | 'ending' | undefined;
  /** It administers clients. Set by the command alone. */
  readonly operator?: readonly OperatorScope[] | undefined;
  /** Accepted besides the present one until `expires_at` (ISO 8601), so that a secret can be exchanged. */
  readonly previous_client_secret?:
    | { readonly value: string; readonly expires_at: string }
    | undefined;
  /** How it registered itself; absent where an operator made it. */
  readonly registration?: Registration | undefined;
  /** ISO 8601 */
  readonly updated_at?: string | undefined;
  readonly updated_by?: Author | undefined;
}

/** Members that say what an answer to the client is signed with. */
export const signedAnswerMembers = [
  'id_token_signed_response_alg',
  'authorization_signed_response_alg',
  'introspection_signed_response_alg',
  'userinfo_signed_response_alg',
] as const;

/**
 * Clients by `client_id`, as `oidc-provider`'s `Client` model stores and reads them; the index `id`
 * lists them, `managed_by` finds those of the configuration file, and the others who receives what an
 * algorithm signs.
 */
export const clients: Collection<ClientRecord> = {
  name: 'client',
  indexes: ['id', 'managed_by', ...signedAnswerMembers],
  indexValues: (client) => ({
    id: client.client_id,
    managed_by: client.managed_by === 'file' ? client.managed_by : undefined,
    ...Object.fromEntries(
      signedAnswerMembers.map((member) => [member, algorithmOf(client[member])]),
    ),
  }),
};

function algorithmOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The client, where it is there and not disabled. */
export async function findActiveClient(
  storage: Pick<Storage, 'get'>,
  id: string,
): Promise<Stored<ClientRecord> | undefined> {
  const client = await storage.get(clients, id);
  return client && isActive(client.value) ? client : undefined;
}

/** Whether a client is served: not disabled, not being removed. */
export function isActive({ client_status }: ClientRecord): boolean {
  return client_status === undefined;
}

/** Whether an access token's scope is for operators. */
export function isOperatorScope(scope: string): scope is OperatorScope {
  return operatorScopes.some((known) => known === scope);
}

/** Members of a client that nobody is shown again. */
export const secretMembers: ReadonlySet<string> = new Set([
  'client_secret',
  'previous_client_secret',
]);
