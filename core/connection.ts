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
  /** From the redemption until the whole consented window was fetched once; taken up at each start. */
  readonly unfinished?: boolean | undefined;
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

/** Connections by id, by user, the pending ones by the time they are given up, the unfinished ones. */
export const connections: Collection<Connection> = {
  name: 'connection',
  indexes: ['user', 'pending', 'unfinished'],
  indexValues: (connection) => ({
    user: connection.userId,
    pending: connection.pendingUntil,
    unfinished: connection.unfinished ? 'yes' : undefined,
  }),
};
