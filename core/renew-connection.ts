import { accounts } from './account.js';
import type { Clock } from './clock.js';
import { type Connection, connections } from './connection.js';
import { longestConsent } from './connection-request.js';
import { authoriseConsent, type Consent, consents } from './consent.js';
import { watchConsent } from './consent-clock.js';
import { report } from './event.js';
import type { ExtendGrant, StoredConnection } from './extend-consent.js';
import { findAll } from './find-all.js';
import type { InstitutionDirectory } from './institution.js';
import { showsOnlyKnown } from './match-accounts.js';
import { bankValidUntil } from './new-connection.js';
import { orderSync } from './order-sync.js';
import { type Storage, update } from './storage.js';
import { validityOf } from './validity.js';
import type { Visit } from './visit.js';
import { type Authorised, type VisitHandler, visitOver } from './visit-bank.js';
import type { Withdrawals } from './withdrawals.js';

interface RenewalDeps {
  readonly storage: Storage;
  readonly directory: InstitutionDirectory;
  readonly clock: Clock;
  readonly withdrawals: Pick<Withdrawals, 'order'>;
  readonly extendGrant: ExtendGrant;
}

/**
 * What a visit that renews a connection comes to: the same connection, accounts, consent and Grant,
 * with a new authorization and a new end. Nothing changes before the bank's yes.
 */
export function createRenewalHandler(deps: RenewalDeps): VisitHandler {
  const { storage, directory, clock, withdrawals, extendGrant } = deps;

  async function load({ connectionId, consentId }: Visit): Promise<StoredConnection> {
    const [connection, consent] = await Promise.all([
      storage.get(connections, connectionId),
      storage.get(consents, consentId),
    ]);
    if (connection?.value.consentId !== consentId || consent?.value.status !== 'authorised') {
      throw visitOver();
    }
    return { connection, consent };
  }

  /**
   * Whether the bank shows accounts of the connection and no other: one in common may be a joint
   * account, and this its other holder. Reading them may renew the tokens.
   */
  async function showsItsAccounts(connection: Connection, yes: Authorised) {
    const session = await directory.connector(connection.institutionId).open(yes.authorization);
    const known = await findAll(storage, accounts, { index: 'connection', equals: connection.id });
    const isKnown = showsOnlyKnown(
      known.map(({ value }) => value),
      await session.accounts(),
    );
    return isKnown ? { ...yes, authorization: session.authorization } : undefined;
  }

  return {
    async assertOpen(visit) {
      await load(visit);
    },

    /** Only the person whose connection it is may renew it, also at the bank (SEC-19). */
    async check(visit, yes) {
      const { connection } = await load(visit);
      const { bankSubject } = connection.value;
      const isNamed = yes.subject !== undefined && bankSubject !== undefined;
      const same = isNamed
        ? yes.subject === bankSubject && yes
        : await showsItsAccounts(connection.value, yes);
      return same || { objection: 'The person at the bank is not the one of this connection' };
    },

    async authorise(visit, yes) {
      const { connection: held, consent: given } = await load(visit);
      const { purpose: means, terms, authRequestId } = visit;
      const at = new Date(clock.now());
      const consent = authoriseConsent(given.value, terms, { means, at, authRequestId });
      const { error: _over, endedAtBankOn: _no, ...before } = held.value;
      const connection: Connection = {
        ...before,
        status: 'ok',
        authorization: yes.authorization,
        bankSubject: yes.subject ?? before.bankSubject,
        bankValidUntil: bankValidUntil(visit, yes),
      };
      const { id: connectionId, institutionName: bankName } = connection;
      const validity = validityOf(connection, consent, at.getTime());
      const about = { connectionId, bankName, validity };
      const sync = orderSync(connection, { action: 'client-update', method: 'UPDATE' }, at);
      // A refresh goes on with the authorization that there was.
      const replaced =
        means === 'reauth' ? withdrawals.order(held.value, bankEnd(given.value, at)) : undefined;
      return {
        consent,
        connection,
        withdrawal: replaced?.id,
        writes: [
          update(connections, held, connection),
          update(consents, given, consent),
          ...(await extendGrant(consent.id, new Date(consent.expiresAt))),
          watchConsent(consent, connection),
          ...sync.writes,
          report('connectionReauthenticated', connection, about, at),
          ...(replaced ? [replaced.write] : []),
        ],
      };
    },

    reject: async () => [],
  };
}

/** Until when the bank may still hold what it gave before: without an end there, for as long again. */
function bankEnd({ tppConsent, expiresAt }: Consent, at: Date): Date {
  return tppConsent ? new Date(at.getTime() + longestConsent) : new Date(expiresAt);
}
