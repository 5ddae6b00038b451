import type { ComponentChildren } from 'preact';
import type { DataCluster } from '../../core/permissions.js';
import { type AccessPeriod, AccessTerms } from '../components/access-terms.js';
import { AccountList, type SelectableAccount } from '../components/account-list.js';
import { Button, ButtonLink } from '../components/button.js';
import { Card } from '../components/card.js';
import { ClusterList } from '../components/cluster-list.js';
import { type EarlierYes, EarlierYesCard } from '../components/earlier-yes.js';
import { ErrorSummary, type FormError } from '../components/error-summary.js';
import { Form } from '../components/form.js';
import { HowToStopAtBank } from '../components/how-to-stop-at-bank.js';
import { IdentityTerms } from '../components/identity-terms.js';
import { LogoMark } from '../components/logo-mark.js';
import { Name } from '../components/name.js';
import { Notice } from '../components/notice.js';
import { SummaryList } from '../components/summary-list.js';
import { displayName } from '../display-name.js';
import { formatTime } from '../format-date.js';
import type { Brand, Party, PostTarget } from '../party.js';
import { Layout } from '../render-page.js';
import { BindingMessage } from './approvals-page.js';
import { type AskedDetail, DetailCards, DetailTerms } from './details-page.js';

export interface ApprovalPageProps extends PostTarget {
  readonly bank: Exclude<Brand, 'assent'>;
  readonly client: Party;
  readonly bindingMessage?: string | undefined;
  readonly askedAt: Date;
  /** Until when the person can decide. */
  readonly expiresAt: Date;
  /** The data that is asked for; absent where the client only wants to know that it is this person. */
  readonly access?: AskedAccess | undefined;
  /** When a client that only wants to know that it is this person has to ask again. */
  readonly knownUntil?: Date | undefined;
  /** What is asked detail by detail, in place of `access`. */
  readonly details?: readonly AskedDetail[] | undefined;
  /** What they have allowed it before, where a yes takes the place of that. */
  readonly earlier?: EarlierYes | undefined;
  /** Why the bank shares nothing of this person: then there is only a no. */
  readonly refusal?: string | undefined;
  /** The form came back without an account chosen. */
  readonly noneChosen?: boolean | undefined;
}

/** What a client would see, and for how long. */
export interface AskedAccess {
  readonly period: AccessPeriod;
  readonly clusters: readonly DataCluster[];
  readonly accounts: readonly SelectableAccount[];
}

/** Yes or no? Posts `account`, or `account-<n>` (repeated ids), and `decision` = `approve` or `refuse`. */
export function ApprovalPage(props: ApprovalPageProps) {
  const { bank, client, access, details, refusal } = props;
  const open = details?.find(({ accounts }) => accounts.length > 0);
  const app = <Name of={client.name} />;
  const error = props.noneChosen ? 'Choose at least one account, or refuse.' : undefined;
  const summary: FormError[] =
    error === undefined ? [] : [{ field: open?.field ?? 'account', message: error }];
  const hasAccount = details ? open !== undefined : access?.accounts.length !== 0;
  const canApprove = refusal === undefined && hasAccount;
  return (
    <Layout
      title="Do you approve this?"
      brand={bank}
      invalid={error !== undefined}
      above={<LogoMark of={client} large />}
      lead={
        details ? (
          <>
            <strong>{app}</strong> asks you for{' '}
            {details.length === 1
              ? 'one thing'
              : `${details.length} things. Decide about each of them`}
            .
          </>
        ) : access ? (
          <>
            <strong>{app}</strong> asks to see data from your accounts. It can only look. It cannot
            move money.
          </>
        ) : (
          <>
            <strong>{app}</strong> asks us to confirm that it is you. It sees none of your accounts.
          </>
        )
      }
    >
      <ErrorSummary errors={summary} />
      <Notice kind="warning">
        Approve this only if you are dealing with {app} at this moment. If you are not, somebody
        else may be: refuse.
      </Notice>
      <Card heading="The request">
        <SummaryList rows={requestRows(props)} />
      </Card>
      {refusal === undefined ? null : <Notice kind="info">{displayName(refusal, 400)}</Notice>}
      {props.earlier && refusal === undefined ? (
        <EarlierYesCard {...props.earlier} app={app} />
      ) : null}
      <Form action={props.action} csrf={props.csrf}>
        {access && refusal === undefined ? (
          <AccessCards app={app} error={error} {...access} />
        ) : null}
        {details && refusal === undefined ? (
          <>
            <DetailCards details={details} app={client} error={error} />
            <DetailTerms details={details} app={app} />
          </>
        ) : null}
        {props.knownUntil ? <IdentityTerms app={app} until={props.knownUntil} /> : null}
        <div class="actions">
          {canApprove ? (
            <Button name="decision" value="approve">
              Approve
            </Button>
          ) : null}
          <Button name="decision" value="refuse" look="secondary">
            Refuse
          </Button>
        </div>
      </Form>
      <p class="actions">
        <ButtonLink href="/approvals" look="quiet">
          Decide later
        </ButtonLink>
      </p>
    </Layout>
  );
}

function requestRows({ client, bindingMessage, askedAt, expiresAt }: ApprovalPageProps) {
  const asked = <time dateTime={askedAt.toISOString()}>{formatTime(askedAt)}</time>;
  const until = <time dateTime={expiresAt.toISOString()}>{formatTime(expiresAt)}</time>;
  const message = bindingMessage !== undefined && (
    <>
      <BindingMessage of={bindingMessage} />
      <br />
      <Name of={client.name} /> must show you exactly this. If it does not, refuse.
    </>
  );
  return [
    { term: 'Who asks', description: displayName(client.host ?? client.name) },
    ...(message ? [{ term: 'Message', description: message }] : []),
    { term: 'Asked at', description: asked },
    { term: 'Decide until', description: until },
  ];
}

function AccessCards({
  app,
  error,
  accounts,
  clusters,
  period,
}: AskedAccess & { readonly app: ComponentChildren; readonly error: string | undefined }) {
  if (accounts.length === 0) {
    return <Notice kind="info">You have no account here that can be shared.</Notice>;
  }
  return (
    <>
      <Card>
        <AccountList accounts={accounts} app={app} error={error} />
      </Card>
      <Card heading={<>What {app} will see</>}>
        <ClusterList clusters={clusters} />
      </Card>
      <Card heading="The terms">
        <AccessTerms {...period} stop={<HowToStopAtBank app={app} />} />
      </Card>
    </>
  );
}
