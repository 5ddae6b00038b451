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
import { ErrorSummary, type FormError } from '../components/error-summary.js';
import { Form } from '../components/form.js';
import { HowToStopAtBank } from '../components/how-to-stop-at-bank.js';
import { LogoMark } from '../components/logo-mark.js';
import { Name } from '../components/name.js';
import { Notice } from '../components/notice.js';
import { type OtherAccess, OtherAccessCards } from '../components/other-access.js';
import { SummaryList } from '../components/summary-list.js';
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
  /** When what names no end of its own ends. */
  readonly expiresAt: Date;
  /** The form came back without anything allowed. */
  readonly noneChosen?: boolean | undefined;
  readonly journey?: Journey | undefined;
}

/** One thing that is asked, and the accounts that it can be allowed for. */
export interface AskedDetail extends Omit<DetailDescription, 'among'> {
  /** The form field; its values are ids of accounts. */
  readonly field: string;
  readonly accounts: readonly SelectableAccount[];
}

/** Which of these, and for which accounts? Posts `account-<n>` and `decision` = `allow` or `refuse`. */
export function DetailsPage(props: DetailsPageProps) {
  const { bank, client, details, noneChosen = false } = props;
  const app = <Name of={client.name} />;
  const open = details.filter(({ accounts }) => accounts.length > 0);
  const error = noneChosen ? 'Choose an account for what you want to allow, or cancel.' : undefined;
  const [first] = open;
  const summary: FormError[] =
    error === undefined || !first ? [] : [{ field: first.field, message: error }];
  return (
    <Layout
      title={first ? 'Decide what to allow' : 'You have no account for this'}
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
      <Form action={props.action} csrf={props.csrf}>
        <DetailCards details={details} app={client} error={error} />
        {first ? (
          <>
            <OtherAccessCards others={props.others ?? []} />
            <Card heading="The terms">
              <SummaryList
                rows={[
                  {
                    term: 'Until',
                    description: <>{formatDateTime(props.expiresAt)}, unless it says otherwise</>,
                  },
                  {
                    term: 'How to stop',
                    description: <HowToStopAtBank app={app} />,
                  },
                ]}
              />
            </Card>
            <DecisionButtons allow="Allow what I chose" refuse="Cancel" />
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

/** Each detail with the accounts that it can be allowed for. @param error stands at the first of these. */
export function DetailCards({
  details,
  app,
  error,
}: {
  readonly details: readonly AskedDetail[];
  readonly app: Party;
  readonly error: string | undefined;
}) {
  const first = details.find(({ accounts }) => accounts.length > 0);
  return details.map((detail) => (
    <Detail
      key={detail.field}
      {...detail}
      app={app}
      isOneOfSeveral={details.length > 1}
      error={detail === first ? error : undefined}
    />
  ));
}

function Detail({
  title,
  clusters,
  rows,
  choose,
  field,
  accounts,
  app,
  isOneOfSeveral,
  error,
}: AskedDetail & {
  readonly app: Party;
  readonly isOneOfSeveral: boolean;
  readonly error: string | undefined;
}) {
  const name = <Name of={app.name} />;
  const list: ChoiceListProps = {
    name: field,
    error,
    legend: choose === 'one' ? 'Pay from' : 'Your accounts',
    hint:
      choose === 'one' ? (
        <>Choose the account that it is taken from.</>
      ) : (
        <>
          {name} sees only the accounts that you tick.
          {isOneOfSeveral ? ' Tick none to refuse this.' : ''}
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
      {rows.length === 0 ? null : (
        <SummaryList
          rows={rows.map(({ term, value }) => ({ term, description: <Value of={value} /> }))}
        />
      )}
      {accounts.length === 0 ? (
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

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
