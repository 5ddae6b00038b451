import type { AccessTokenFacts } from '../../core/access-token.js';
import type { BankLedger, LedgerAccount } from '../../core/bank-ledger.js';
import type { Clock } from '../../core/clock.js';
import { type Intent, intents, isIntentLive } from '../../core/intent.js';
import { type PermissionCode, permits } from '../../core/permissions.js';
import type { Storage } from '../../core/storage.js';
import { ObieError } from './obie-error.js';

/** What one call may see: the intent behind its token, and the accounts that the customer chose. */
export interface SharedAccess {
  readonly intent: Intent;
  readonly accounts: readonly LedgerAccount[];
}

interface SharedAccessDeps {
  readonly storage: Storage;
  readonly ledger: BankLedger;
  readonly clock: Clock;
}

/**
 * Decides a call for one customer's data: the token's intent is this client's and this customer's, in
 * force now, and permits the kind of data. Read at every call, so that a change of mind works at once.
 * @throws {ObieError} 401 where the consent no longer allows anything, 403 where it never allowed this.
 */
export async function readSharedAccess(
  { storage, ledger, clock }: SharedAccessDeps,
  token: AccessTokenFacts,
  needed: PermissionCode,
): Promise<SharedAccess> {
  const { grantId, clientId, subject } = token;
  if (grantId === undefined) throw forbidden('This token was not authorised by a customer');
  const intent = (await storage.get(intents, grantId))?.value;
  const isTheirs = intent?.clientId === clientId && intent.customerId === subject;
  if (!intent || !isTheirs || subject === undefined || !isIntentLive(intent, clock.now())) {
    throw new ObieError(401, {
      code: 'UK.OBIE.Resource.InvalidConsentStatus',
      message: 'The consent behind this token is not in force',
    });
  }
  if (!permits(intent.permissions, needed))
    throw forbidden(`The consent does not include ${needed}`);
  const held = await ledger.accounts(subject);
  if ('refused' in held) throw forbidden('The bank does not share the data of this customer');
  return { intent, accounts: held.filter(({ id }) => intent.accountIds.includes(id)) };
}

/**
 * One of the shared accounts.
 * @throws {ObieError} 400, the standard's answer to an unknown id, also where it was not chosen.
 */
export function findSharedAccount({ accounts }: SharedAccess, id: string): LedgerAccount {
  const account = accounts.find((candidate) => candidate.id === id);
  if (account) return account;
  throw new ObieError(400, {
    code: 'UK.OBIE.Resource.NotFound',
    message: 'There is no such account under this consent',
    path: 'AccountId',
  });
}

function forbidden(message: string): ObieError {
  return new ObieError(403, { code: 'UK.OBIE.Resource.InvalidConsentStatus', message });
}
