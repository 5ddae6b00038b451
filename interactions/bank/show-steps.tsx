import type { SelectableAccount } from '../../consent-ui/components/account-list.js';
import { AccountSelectionPage } from '../../consent-ui/pages/account-selection-page.js';
import { type AskedDetail, DetailsPage } from '../../consent-ui/pages/details-page.js';
import { ProblemPage } from '../../consent-ui/pages/problem-page.js';
import { renderPage } from '../../consent-ui/render-page.js';
import type { AuthorizationDetail } from '../../core/authorization-details/detail-type.js';
import { accessOf, detailTypeOf } from '../../core/authorization-details/detail-types.js';
import type { BankLedger, LedgerAccount } from '../../core/bank-ledger.js';
import type { IntentTerms } from '../../core/intent.js';
import { describePermissions, permissionCodes, permits } from '../../core/permissions.js';
import type { InteractionSession } from '../interaction-session.js';
import { choosable, fieldOf } from './decide-details.js';
import type { OtherScopes } from './other-scopes.js';

/** The bank whose pages these are. */
export type BankOfPages = Pick<BankLedger, 'bankName'>;

/** What a customer is asked: which of their accounts, on what terms, until when. */
export interface AccountChoice {
  readonly terms: IntentTerms;
  /** Those that they have shared on these terms before. */
  readonly chosen: readonly string[];
  readonly others: readonly OtherScopes[];
  readonly accounts: readonly LedgerAccount[];
  /** Absent where the bank knows no end. */
  readonly expiresAt?: Date | undefined;
  readonly now: Date;
  readonly noneChosen?: boolean;
}

/** Which accounts? Without any, the page says so and leads back. */
export function showAccounts(
  { bankName }: BankOfPages,
  { path, csrf, party }: InteractionSession,
  { terms, chosen, accounts, others, expiresAt, now, noneChosen = false }: AccountChoice,
): string {
  const { transactionFrom, permissions } = terms;
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
      accounts={accounts.map((account) => describeAccount(account, chosen))}
    />,
  );
}

/** What a customer is asked in authorization details. */
export interface DetailsQuestion {
  readonly details: readonly AuthorizationDetail[];
  /** The details that they have granted the client before, where these change them. */
  readonly before: readonly AuthorizationDetail[];
  readonly others: readonly OtherScopes[];
  readonly accounts: readonly LedgerAccount[];
  readonly expiresAt: Date;
  readonly noneChosen?: boolean;
}

/** Which of these, and for which accounts? */
export function showDetails(
  { bankName }: BankOfPages,
  { path, csrf, party }: InteractionSession,
  { details, before, others, accounts, expiresAt, noneChosen = false }: DetailsQuestion,
): string {
  const chosen = accessOf(before).flatMap(({ accountIds }) => accountIds);
  return renderPage(
    <DetailsPage
      action={`${path}/details`}
      csrf={csrf}
      bank={brandOf(bankName)}
      client={party}
      others={others}
      expiresAt={expiresAt}
      noneChosen={noneChosen}
      details={describeDetails(details, accounts, chosen)}
    />,
  );
}

/** Details in plain words. @param chosen accounts that are ticked already. */
export function describeDetails(
  details: readonly AuthorizationDetail[],
  accounts: readonly LedgerAccount[],
  chosen: readonly string[] = [],
): readonly AskedDetail[] {
  return details.map((detail, index) => {
    const { among, ...description } = detailTypeOf(detail).describe(detail);
    const ticked = description.choose === 'several' ? chosen : [];
    return {
      ...description,
      field: fieldOf(index),
      accounts: choosable(detail, accounts).map((account) => describeAccount(account, ticked)),
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
