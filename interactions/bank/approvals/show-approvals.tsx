import {
  ApprovalOutcomePage,
  type ApprovalOutcomePageProps,
} from '../../../consent-ui/pages/approval-outcome-page.js';
import { ApprovalPage } from '../../../consent-ui/pages/approval-page.js';
import { ApprovalsPage } from '../../../consent-ui/pages/approvals-page.js';
import { ProblemPage } from '../../../consent-ui/pages/problem-page.js';
import type { Party } from '../../../consent-ui/party.js';
import { renderPage } from '../../../consent-ui/render-page.js';
import type { Approval } from '../../../core/approval.js';
import { detailTypeOf } from '../../../core/authorization-details/detail-types.js';
import { toldEnd } from '../../../core/intent.js';
import { describePermissions, permissionCodes, permits } from '../../../core/permissions.js';
import type { Stored } from '../../../core/storage.js';
import {
  type BankOfPages,
  brandOf,
  describeAccount,
  describeDetails,
  describeEarlier,
} from '../show-steps.js';
import type { AskedAccess, AskedDetails } from './asked-access.js';

/** Where all of this is. */
export const approvalsPath = '/approvals';

/** What is asked wants more proof than this customer can give. */
export function showUnmet({ bankName }: BankOfPages): string {
  return renderPage(
    <ProblemPage
      brand={brandOf(bankName)}
      title="This cannot be approved here"
      sentence="It wants a code as a second proof that it is you, and there is no device of yours that we could send one to. Nothing was shared."
      back={{ href: approvalsPath, label: 'See what else waits' }}
    />,
  );
}

/** What waits, each with the client that asks. */
export function showWaiting(
  { bankName }: BankOfPages,
  customer: string,
  csrf: string,
  waiting: readonly { readonly approval: Stored<Approval>; readonly client: Party }[],
): string {
  return renderPage(
    <ApprovalsPage
      bank={brandOf(bankName)}
      customer={customer}
      href={approvalsPath}
      signOut={{ action: `${approvalsPath}/sign-out`, csrf }}
      waiting={waiting.map(({ approval: { id, value }, client }) => ({
        href: `${approvalsPath}/${id}`,
        client,
        bindingMessage: value.bindingMessage,
        what: describeWhat(value),
        expiresAt: new Date(value.expiresAt),
      }))}
    />,
  );
}

function describeWhat({ details, scopes }: Approval): string {
  const [first, ...more] = details ?? [];
  if (first && more.length > 0) return `To do ${more.length + 1} things`;
  if (first) return capitalise(detailTypeOf(first).describe(first).title);
  return scopes.includes('accounts') ? 'To see data from your accounts' : 'To know that it is you';
}

function capitalise(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** What a customer is asked to approve. */
export interface Question {
  readonly approval: Stored<Approval>;
  readonly client: Party;
  readonly csrf: string;
  readonly noneChosen?: boolean;
  /** Absent where no data is asked for. */
  readonly access?: AskedAccess | AskedDetails | undefined;
  /** When the client has to ask again, where it asks for no data. */
  readonly knownUntil: Date;
  readonly now: Date;
}

/** Yes or no? */
export function showQuestion({ bankName }: BankOfPages, question: Question): string {
  const { approval, client, csrf, access, noneChosen, knownUntil, now } = question;
  const { bindingMessage, askedAt, expiresAt } = approval.value;
  const refusal = access && 'refused' in access.accounts ? access.accounts.reason : undefined;
  return renderPage(
    <ApprovalPage
      action={`${approvalsPath}/${approval.id}/decision`}
      csrf={csrf}
      bank={brandOf(bankName)}
      client={client}
      bindingMessage={bindingMessage}
      askedAt={new Date(askedAt)}
      expiresAt={new Date(expiresAt)}
      refusal={refusal}
      noneChosen={noneChosen}
      knownUntil={access ? undefined : knownUntil}
      {...(access && 'details' in access
        ? {
            details: describeDetails(access.details, {
              ...{ accounts: heldOf(access), now },
              latest: access.expiresAt,
            }),
          }
        : {
            access: access && describeAccess(access, now),
            earlier: describeEarlier(access?.earlier),
          })}
    />,
  );
}

function heldOf({ accounts }: Pick<AskedAccess, 'accounts'>) {
  return 'refused' in accounts ? [] : accounts;
}

function describeAccess({ terms, accounts, earlier, expiresAt }: AskedAccess, now: Date) {
  const { transactionFrom, permissions } = terms;
  const held = heldOf({ accounts });
  return {
    period: {
      kind: 'ongoing',
      reachesBack: permits(permissions, 'ReadTransactionsBasic'),
      transactionFrom: transactionFrom === undefined ? undefined : new Date(transactionFrom),
      expiresAt: toldEnd(expiresAt),
      now,
    } as const,
    clusters: describePermissions(permissionCodes.filter((code) => permits(permissions, code))),
    accounts: held.map((account) => describeAccount(account, earlier?.intent.accountIds ?? [])),
  };
}

/** What has become of it. */
export function showOutcome(
  { bankName }: BankOfPages,
  client: Party,
  outcome: ApprovalOutcomePageProps['outcome'],
): string {
  return renderPage(
    <ApprovalOutcomePage bank={brandOf(bankName)} client={client} outcome={outcome} />,
  );
}
