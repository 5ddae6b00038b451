import type { SelectableAccount } from '../../consent-ui/components/account-list.js';
import type { EarlierYes } from '../../consent-ui/components/earlier-yes.js';
import type { GrantedPart } from '../../consent-ui/components/granted-parts.js';
import { AccountSelectionPage } from '../../consent-ui/pages/account-selection-page.js';
import { type AskedDetail, DetailsPage } from '../../consent-ui/pages/details-page.js';
import { ProblemPage } from '../../consent-ui/pages/problem-page.js';
import { renderPage } from '../../consent-ui/render-page.js';
import type { AuthorizationDetail } from '../../core/authorization-details/detail-type.js';
import {
  accessOf,
  detailTypeOf,
  endOfDetail,
  stillGranted,
} from '../../core/authorization-details/detail-types.js';
import type { BankLedger, LedgerAccount } from '../../core/bank-ledger.js';
import type { Intent, IntentTerms } from '../../core/intent.js';
import { describePermissions, permissionCodes, permits } from '../../core/permissions.js';
import type { InteractionSession } from '../interaction-session.js';
import { choosable, fieldOf } from './decide-details.js';
import type { OtherScopes } from './other-scopes.js';

/** The bank whose pages these are. */
export type BankOfPages = Pick<BankLedger, 'bankName'>;

/** What a customer is asked: which of their accounts, on what terms, until when. */
export interface AccountChoice {
  readonly terms: IntentTerms;
  readonly earlier: Earlier | undefined;
  readonly others: readonly OtherScopes[];
  readonly accounts: readonly LedgerAccount[];
  /** Absent where the bank knows no end. */
  readonly expiresAt?: Date | undefined;
  readonly now: Date;
  readonly noneChosen?: boolean;
}

/** What a customer has allowed the client before, where this changes it. */
export interface Earlier {
  readonly intent: Intent;
  /** Whether what they allow now is added to it; otherwise it takes its place. */
  readonly stays: boolean;
  readonly parts: readonly GrantedPart[];
}

/** As pages name it. */
export function describeEarlier(earlier: Earlier | undefined): EarlierYes | undefined {
  if (!earlier) return undefined;
  const { intent, stays, parts } = earlier;
  return { stays, parts, agreedAt: new Date(intent.statusUpdatedAt) };
}

/** Which accounts? Without any, the page says so and leads back. */
export function showAccounts(
  { bankName }: BankOfPages,
  { path, csrf, party }: InteractionSession,
  { terms, earlier, accounts, others, expiresAt, now, noneChosen = false }: AccountChoice,
): string {
  const { transactionFrom, permissions } = terms;
  const shared = earlier?.intent.accountIds ?? [];
  const open = earlier?.stays ? accounts.filter(({ id }) => !shared.includes(id)) : accounts;
  return renderPage(
    <AccountSelectionPage
      action={`${path}/accounts`}
      csrf={csrf}
      bank={brandOf(bankName)}
      client={party}
      clusters={describePermissions(permissionCodes.filter((code) => permits(permissions, code)))}
      others={others}
      kind="ongoing"
      reachesBack={permits(permissions, 'ReadTransactionsBasic')}
      transactionFrom={transactionFrom === undefined ? undefined : new Date(transactionFrom)}
      expiresAt={expiresAt}
      now={now}
      noneChosen={noneChosen}
      earlier={describeEarlier(earlier)}
      accounts={open.map((account) => describeAccount(account, shared))}
    />,
  );
}

/** What a customer is asked in authorization details. */
export interface DetailsQuestion {
  readonly details: readonly AuthorizationDetail[];
  readonly earlier: Earlier | undefined;
  readonly others: readonly OtherScopes[];
  readonly accounts: readonly LedgerAccount[];
  /** When consents end that name no end. */
  readonly latest: Date;
  readonly now: Date;
  readonly noneChosen?: boolean;
}

/** Which of these, and for which accounts? */
export function showDetails(
  { bankName }: BankOfPages,
  { path, csrf, party }: InteractionSession,
  { details, earlier, others, noneChosen = false, ...grounds }: DetailsQuestion,
): string {
  const before = stillGranted(earlier?.intent.authorizationDetails ?? [], grounds.now.getTime());
  return renderPage(
    <DetailsPage
      action={`${path}/details`}
      csrf={csrf}
      bank={brandOf(bankName)}
      client={party}
      others={others}
      noneChosen={noneChosen}
      earlier={describeEarlier(earlier)}
      details={describeDetails(details, {
        ...grounds,
        ...(earlier?.stays ? { staying: before } : { chosen: before }),
      })}
    />,
  );
}

/** What details are described with. */
interface DetailGrounds {
  readonly accounts: readonly LedgerAccount[];
  readonly now: Date;
  /** When consents end that name no end. */
  readonly latest: Date;
  /** What stays granted, whatever is decided. */
  readonly staying?: readonly AuthorizationDetail[];
  /** What was granted, whose accounts are ticked already. */
  readonly chosen?: readonly AuthorizationDetail[];
}

/** Details in plain words. */
export function describeDetails(
  details: readonly AuthorizationDetail[],
  { accounts, now, latest, staying = [], chosen = [] }: DetailGrounds,
): readonly AskedDetail[] {
  const before = accessOf(chosen).flatMap(({ accountIds }) => accountIds);
  return details.map((detail, index) => {
    const { among, ...description } = detailTypeOf(detail).describe(detail);
    const ticked = description.choose === 'several' ? before : [];
    const open = choosable(detail, accounts, staying);
    return {
      ...description,
      field: fieldOf(index),
      accounts: open.map((account) => describeAccount(account, ticked)),
      isComplete: open.length === 0 && choosable(detail, accounts).length > 0,
      until: endOfDetail(detail, { now, latest }),
    };
  });
}

/** Why the bank shares nothing of this customer, and the way back. */
export function showRefusal(
  { bankName }: BankOfPages,
  { path, csrf, party }: InteractionSession,
  reason: string,
): string {
  return renderPage(
    <ProblemPage
      brand={brandOf(bankName)}
      title="We cannot share your data"
      sentence={reason}
      back={{
        action: `${path}/cancel`,
        csrf,
        label: `Go back to ${party.name}`,
      }}
    />,
  );
}

/** An account as a person may tick it. @param chosen ids of those that are ticked already. */
export function describeAccount(
  account: LedgerAccount,
  chosen: readonly string[],
): SelectableAccount {
  return {
    id: account.id,
    name: account.nickname,
    kind: accountKinds[account.accountSubType],
    number: account.accountNumber,
    jointWith: account.jointWith,
    chosen: chosen.includes(account.id),
  };
}

const accountKinds: Readonly<Record<LedgerAccount['accountSubType'], string>> = {
  CurrentAccount: 'Current account',
  Savings: 'Savings account',
  CreditCard: 'Credit card',
  Loan: 'Loan',
  Mortgage: 'Mortgage',
};

/** The bank's own pages. */
export function brandOf(name: string) {
  return { name, accent: 'forest' } as const;
}
