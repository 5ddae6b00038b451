import type { Collection } from './storage.js';
import type { WebhookEndpoint } from './webhook-endpoint.js';

/**
 * A registered client: the metadata of RFC 7591 as `oidc-provider` reads it (snake_case, standard
 * names) and Assent's own members. Validated when it is saved, trusted afterwards.
 */
export interface ClientMetadata {
  readonly client_id: string;
  readonly client_name?: string;
  readonly client_uri?: string;
  readonly logo_uri?: string;
  readonly redirect_uris?: readonly string[];
  readonly scope?: string;
  /** The security profile this client is held to (architecture decision 3). */
  readonly profile?: 'fapi2-security' | 'identity-service';
  /**
   * The client shows its own approved consent screens, so the hosted one is skipped ("Enforce user
   * consent: No" of the identity service).
   */
  readonly own_consent_screens?: boolean;
  /** A protected resource, which may introspect the tokens of every client (`docs/resource.md`). */
  readonly resource_server?: boolean;
  /** Where it is told of what happens to its users and connections. */
  readonly webhooks?: readonly WebhookEndpoint[];
  readonly [member: string]: unknown;
}

/** Clients by `client_id`, as `oidc-provider`'s `Client` model stores and reads them. */
export const clients: Collection<ClientMetadata> = {
  name: 'client',
  indexes: [],
  indexValues: () => ({}),
};
