import type { AccessTokenFacts } from '../../core/access-token.js';
import type { AccountAccess } from '../../core/authorization-details/detail-type.js';
import {
  accessOf,
  narrowWithin,
  stillGranted,
} from '../../core/authorization-details/detail-types.js';
import type { BankLedger, LedgerAccount } from '../../core/bank-ledger.js';
import type { Clock } from '../../core/clock.js';
import { type Intent, intents, isIntentLive } from '../../core/intent.js';
import { type PermissionCode, permits } from '../../core/permissions.js';
import type { Storage } from '../../core/storage.js';
import { ObieError } from './obie-error.js';

/** One account that a call may see, on the terms that open it. */
export interface SharedAccount {
  readonly account: LedgerAccount;
  readonly terms: AccountAccess;
}

/** What one call may see: the accounts that the customer chose for the client behind its token. */
export type SharedAccess = readonly SharedAccount[];

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
  const open = accessOfToken(intent, token, clock.now()).filter(({ permissions }) =>
    permits(permissions, needed),
  );
  if (open.length === 0) throw forbidden(`The consent does not include ${needed}`);
  const held = await ledger.accounts(subject);
  if ('refused' in held) throw forbidden('The bank does not share the data of this customer');
  return held.flatMap((account) => {
    const [terms] = open.filter(({ accountIds }) => accountIds.includes(account.id)).sort(byReach);
    return terms ? [{ account, terms }] : [];
  });
}

/**
 * What a token opens: all that its intent does, or of the details that were granted those that it is for,
 * as far as they still are.
 */
function accessOfToken(
  intent: Intent,
  { authorizationDetails = [] }: AccessTokenFacts,
  now: number,
): readonly AccountAccess[] {
  if (!intent.authorizationDetails) return [intent];
  const granted = stillGranted(intent.authorizationDetails, now);
  return accessOf(authorizationDetails.filter((detail) => narrowWithin(granted, detail)));
}

/**
 * Where several details open one account, each call is answered on the terms of one of them, so that it
 * never shows what none of them allows: the one that shows most, and reaches back furthest.
 */
function byReach(one: AccountAccess, other: AccountAccess): number {
  const start = ({ transactionFrom }: AccountAccess) =>
    transactionFrom === undefined ? Number.NEGATIVE_INFINITY : Date.parse(transactionFrom);
  const detail = other.permissions.length - one.permissions.length;
  return detail || (start(one) < start(other) ? -1 : 1);
}

/**
 * One of the shared accounts.
 * @throws {ObieError} 400, the standard's answer to an unknown id, also where it was not chosen.
 */
export function findSharedAccount(access: SharedAccess, id: string): SharedAccount {
  const shared = access.find(({ account }) => account.id === id);
  if (shared) return shared;
  throw new ObieError(400, {
    code: 'UK.OBIE.Resource.NotFound',
    message: 'There is no such account under this consent',
    path: 'AccountId',
  });
}

function forbidden(message: string): ObieError {
  return new ObieError(403, { code: 'UK.OBIE.Resource.InvalidConsentStatus', message });
}
