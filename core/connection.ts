import type { ConnectorState, InstitutionKind } from './institution.js';
import type { Collection } from './storage.js';

/**
 * The lasting link between a person and one institution. Its id and its account ids never change,
 * whatever happens to consents and tokens.
 */
export interface Connection {
  /** `<institution id>:<uuid>` */
  readonly id: string;
  readonly clientId: string;
  readonly userId: string;
  readonly institutionId: string;
  readonly institutionName: string;
  readonly kind: InstitutionKind;
  /** The consent in force; earlier ones are found by the connection's id. */
  readonly consentId: string;
  /**
   * `pending` from the bank's yes until the client redeems its code: invisible to the API, and taken
   * back at the bank when the client never comes. Then `ok`, or `error` with the reason.
   */
  readonly status: 'pending' | 'ok' | 'error';
  readonly error?:
    | 'resync'
    | 'sync_error'
    | 'sync_partial'
    | 'mfa_required'
    | 'credentials_error'
    | undefined;
  /** ISO 8601 */
  readonly connectedOn: string;
  readonly lastUpdated?: string | undefined;
  /** ISO 8601: when a pending connection is given up. Absent otherwise. */
  readonly pendingUntil?: string | undefined;
  readonly accountIds: readonly string[];
  /** ISO 8601, while there is an error: since when no sync has brought anything. */
  readonly failingSince?: string | undefined;
  /**
   * ISO 8601: when the bank told that the person's consent there is no more. Until they authenticate
   * there again, what was fetched is kept and opened to nobody.
   */
  readonly endedAtBankOn?: string | undefined;
  /** Which sync is fetching it, see `core/sync-turn.ts`. `since` is ISO 8601. */
  readonly turn?:
    | { readonly syncId: string; readonly attempt: string; readonly since: string }
    | undefined;
  /** What is here of its history: all that these permissions show from `from` on, as of `at`. */
  readonly history?: FetchedHistory | undefined;
  /**
   * ISO 8601: when the bank stops recognising the person unless they authenticate there again; absent
   * where it names no end.
   */
  readonly bankValidUntil?: string | undefined;
  /** The person as the bank names them; only the same one may authenticate there again. */
  readonly bankSubject?: string | undefined;
  /** The bank's tokens; sealed at rest like every value, read only by the connector. */
  readonly authorization: ConnectorState;
}

/** The part of a connection's history that was fetched, of these accounts. */
export interface FetchedHistory {
  /** ISO 8601 */
  readonly from: string;
  readonly at: string;
  readonly permissions: readonly string[];
  readonly accountIds: readonly string[];
}

/** Connections by id and by user. */
export const connections: Collection<Connection> = {
  name: 'connection',
  indexes: ['user'],
  indexValues: ({ userId }) => ({ user: userId }),
};
