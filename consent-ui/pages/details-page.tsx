import type { ComponentChildren } from 'preact';
import type {
  DetailDescription,
  DetailValue,
} from '../../core/authorization-details/detail-type.js';
import { AccountDetail, type SelectableAccount } from '../components/account-list.js';
import { Button } from '../components/button.js';
import { Card } from '../components/card.js';
import { CheckboxList, type ChoiceListProps, RadioList } from '../components/choice-list.js';
import { ClusterList } from '../components/cluster-list.js';
import { DecisionButtons } from '../components/decision-buttons.js';
import { type EarlierYes, EarlierYesCard } from '../components/earlier-yes.js';
import { ErrorSummary, type FormError } from '../components/error-summary.js';
import { Form } from '../components/form.js';
import { capitalise } from '../components/granted-parts.js';
import { HowToStopAtBank } from '../components/how-to-stop-at-bank.js';
import { LogoMark } from '../components/logo-mark.js';
import { Name } from '../components/name.js';
import { Notice } from '../components/notice.js';
import { type OtherAccess, OtherAccessCards } from '../components/other-access.js';
import { SummaryList, type SummaryRow } from '../components/summary-list.js';
import { displayName } from '../display-name.js';
import { formatDateTime } from '../format-date.js';
import { formatDetailValue } from '../format-detail-value.js';
import type { Brand, Party, PostTarget } from '../party.js';
import { type Journey, Layout } from '../render-page.js';

export interface DetailsPageProps extends PostTarget {
  readonly bank: Exclude<Brand, 'assent'>;
  readonly client: Party;
  readonly details: readonly AskedDetail[];
  readonly others?: readonly OtherAccess[] | undefined;
  /** What they have allowed it before, where this changes that. */
  readonly earlier?: EarlierYes | undefined;
  /** The form came back without anything allowed. */
  readonly noneChosen?: boolean | undefined;
  readonly journey?: Journey | undefined;
}

/** One thing that is asked, and the accounts that it can be allowed for. */
export interface AskedDetail extends Omit<DetailDescription, 'among'> {
  /** The form field; its values are ids of accounts. */
  readonly field: string;
  readonly accounts: readonly SelectableAccount[];
  /** It is allowed of all accounts already, and stays so: there is nothing to choose. */
  readonly isComplete?: boolean | undefined;
  /** When it ends. */
  readonly until: Date;
}

/** Which of these, and for which accounts? Posts `account-<n>` and `decision` = `allow` or `refuse`. */
export function DetailsPage(props: DetailsPageProps) {
  const { bank, client, details, earlier, others = [], noneChosen = false } = props;
  const app = <Name of={client.name} />;
  const open = details.filter(({ accounts }) => accounts.length > 0);
  const error = noneChosen ? 'Choose an account for what you want to allow, or cancel.' : undefined;
  const [first] = open;
  const canGoOn = first !== undefined || details.some(({ isComplete }) => isComplete);
  const addsNothing = first === undefined && others.length === 0;
  const summary: FormError[] =
    error === undefined || !first ? [] : [{ field: first.field, message: error }];
  return (
    <Layout
      title={
        !canGoOn
          ? 'You have no account for this'
          : addsNothing
            ? 'There is nothing to add'
            : 'Decide what to allow'
      }
      brand={bank}
      invalid={error !== undefined}
      journey={props.journey}
      above={<LogoMark of={client} large />}
      lead={
        details.length === 1 ? (
          <>
            <strong>{app}</strong> asks you {displayName(details[0]?.title ?? '')}.
          </>
        ) : (
          <>
            <strong>{app}</strong> asks you for {details.length} things. Decide about each of them.
          </>
        )
      }
    >
      <ErrorSummary errors={summary} />
      {earlier ? <EarlierYesCard {...earlier} app={app} /> : null}
      <Form action={props.action} csrf={props.csrf}>
        <DetailCards
          details={details}
          app={client}
          isMore={earlier?.stays === true}
          error={error}
        />
        {canGoOn ? (
          <>
            <OtherAccessCards others={others} />
            <DetailTerms details={details} app={app} />
            <DecisionButtons
              allow={addsNothing ? 'Leave it as it is' : 'Allow what I chose'}
              refuse="Cancel"
            />
          </>
        ) : (
          <Button name="decision" value="refuse">
            Go back to {app}
          </Button>
        )}
      </Form>
    </Layout>
  );
}

/** The end of the one detail (of several each has its own in its card), and how to stop before it. */
export function DetailTerms({
  details,
  app,
}: {
  readonly details: readonly AskedDetail[];
  readonly app: ComponentChildren;
}) {
  const [first, ...more] = details;
  return (
    <Card heading="The terms">
      <SummaryList
        rows={[
          ...(first && more.length === 0 && !first.isComplete ? [endOf(first)] : []),
          { term: 'How to stop', description: <HowToStopAtBank app={app} /> },
        ]}
      />
    </Card>
  );
}

function endOf({ until }: AskedDetail): SummaryRow {
  return {
    term: 'Until',
    description: <time dateTime={until.toISOString()}>{formatDateTime(until)}</time>,
  };
}

/**
 * Each detail with the accounts that it can be allowed for. @param error stands at the first of these.
 * @param isMore what is chosen is added to what is allowed already.
 */
export function DetailCards({
  details,
  app,
  isMore = false,
  error,
}: {
  readonly details: readonly AskedDetail[];
  readonly app: Party;
  readonly isMore?: boolean | undefined;
  readonly error: string | undefined;
}) {
  const first = details.find(({ accounts }) => accounts.length > 0);
  return details.map((detail) => (
    <Detail
      key={detail.field}
      {...detail}
      app={app}
      isOneOfSeveral={details.length > 1}
      isMore={isMore}
      error={detail === first ? error : undefined}
    />
  ));
}

function Detail({
  app,
  isOneOfSeveral,
  isMore,
  error,
  ...detail
}: AskedDetail & {
  readonly app: Party;
  readonly isOneOfSeveral: boolean;
  readonly isMore: boolean;
  readonly error: string | undefined;
}) {
  const { title, clusters, choose, field, accounts, isComplete = false } = detail;
  const name = <Name of={app.name} />;
  const rows: readonly SummaryRow[] = [
    ...detail.rows.map(({ term, value }) => ({ term, description: <Value of={value} /> })),
    ...(isOneOfSeveral && !isComplete ? [endOf(detail)] : []),
  ];
  const list: ChoiceListProps = {
    name: field,
    error,
    legend: choose === 'one' ? 'Pay from' : isMore ? 'Accounts to add' : 'Your accounts',
    hint:
      choose === 'one' ? (
        <>Choose the account that it is taken from.</>
      ) : (
        <>
          {isMore ? (
            <>Tick those that {name} is to see this of besides.</>
          ) : (
            <>{name} sees only the accounts that you tick.</>
          )}
          {isMore
            ? ' Tick none to add nothing.'
            : isOneOfSeveral
              ? ' Tick none to refuse this.'
              : ''}
        </>
      ),
    choices: [
      ...accounts.map((account) => ({
        value: account.id,
        label: <Name of={account.name} />,
        detail: <AccountDetail {...account} />,
        checked: account.chosen,
      })),
      ...(choose === 'one' && isOneOfSeveral ? [refusal] : []),
    ],
  };
  return (
    <Card heading={displayName(capitalise(title))}>
      {clusters.length === 0 ? null : <ClusterList clusters={clusters} />}
      {rows.length === 0 ? null : <SummaryList rows={rows} />}
      {isComplete ? (
        <Notice kind="info">{name} has this already, and it stays so.</Notice>
      ) : accounts.length === 0 ? (
        <Notice kind="info">None of your accounts can be used for this.</Notice>
      ) : choose === 'one' ? (
        <RadioList {...list} />
      ) : (
        <CheckboxList {...list} />
      )}
    </Card>
  );
}

const refusal = { value: 'none', label: 'Do not allow this', checked: true };

function Value({ of: value }: { readonly of: DetailValue }) {
  return <Name of={formatDetailValue(value)} maxLength={140} />;
}
