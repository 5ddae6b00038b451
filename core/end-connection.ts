import { accounts, transactions } from './account.js';
import type { Connection } from './connection.js';
import { type Consent, consents, moveConsent } from './consent.js';
import { unwatchConsent } from './consent-clock.js';
import { report } from './event.js';
import { findAll } from './find-all.js';
import { keepPending } from './give-up-pending.js';
import { removeWhere, type Storage, type Stored, update, type Write } from './storage.js';
import { syncs } from './sync.js';
import type { Withdrawals } from './withdrawals.js';

export interface EndConnectionDeps {
  readonly storage: Storage;
  readonly withdrawals: Pick<Withdrawals, 'order' | 'carryOut'>;
  /** The writes that end the Grant of this id and every token under it. */
  readonly revokeGrant: (grantId: string) => readonly Write[];
}

/** What ends a connection. */
export interface ConnectionEnd {
  /** For one commit, together with the removal of the connection itself. */
  readonly writes: readonly Write[];
  /** The id of the order to withdraw the consent at the bank, to be carried out after the commit. */
  readonly withdrawal: string;
}

/**
 * Ends a connection: nothing is due for it any more, its client is told, its data and tokens go, its
 * consents are revoked and stay as the record of what was agreed. The caller removes the connection by
 * its version in the same commit: last, where the whole is tried again after a conflict; first, where
 * that removal decides whether it may end.
 */
export async function endConnection(
  { storage, withdrawals, revokeGrant }: EndConnectionDeps,
  connection: Stored<Connection>,
  at: Date,
): Promise<ConnectionEnd> {
  const ofConnection = { index: 'connection', equals: connection.id };
  const [held, given] = await Promise.all([
    findAll(storage, accounts, ofConnection),
    findAll(storage, consents, ofConnection),
  ]);
  const until = Math.max(...given.map(({ value }) => Date.parse(value.expiresAt)), at.getTime());
  const order = withdrawals.order(connection.value, new Date(until));
  const { id: connectionId, institutionName: bankName, status } = connection.value;
  return {
    withdrawal: order.id,
    writes: [
      keepPending(connectionId),
      unwatchConsent(connectionId),
      // Of a pending one the client never knew.
      ...(status === 'pending'
        ? []
        : [report('connectionDeleted', connection.value, { connectionId, bankName }, at)]),
      ...revokeConsents(given, at),
      order.write,
      ...given.flatMap(({ id }) => revokeGrant(id)),
      ...held.map(({ id }) => removeWhere(transactions, 'account', id)),
      removeWhere(accounts, 'connection', connection.id),
      removeWhere(syncs, 'connection', connection.id),
    ],
  };
}

/** The writes that revoke those of the consents that are not over yet. */
export function revokeConsents(given: readonly Stored<Consent>[], at: Date): readonly Write[] {
  return given
    .filter(
      ({ value: { status } }) => status === 'awaiting_authorisation' || status === 'authorised',
    )
    .map((consent) => update(consents, consent, moveConsent(consent.value, 'revoked', at)));
}
