import type { DataCluster } from '../../core/permissions.js';
import { type AccessPeriod, AccessTerms } from '../components/access-terms.js';
import { AccountList, type SelectableAccount } from '../components/account-list.js';
import { Button } from '../components/button.js';
import { Card } from '../components/card.js';
import { ClusterList } from '../components/cluster-list.js';
import { DecisionButtons } from '../components/decision-buttons.js';
import { type EarlierYes, EarlierYesCard } from '../components/earlier-yes.js';
import { ErrorSummary, type FormError } from '../components/error-summary.js';
import { Form } from '../components/form.js';
import { HowToStopAtBank } from '../components/how-to-stop-at-bank.js';
import { LogoMark } from '../components/logo-mark.js';
import { Name } from '../components/name.js';
import { Notice } from '../components/notice.js';
import { type OtherAccess, OtherAccessCards } from '../components/other-access.js';
import type { Brand, Party, PostTarget } from '../party.js';
import { type Journey, Layout } from '../render-page.js';

export interface AccountSelectionPageProps extends PostTarget, AccessPeriod {
  readonly bank: Exclude<Brand, 'assent'>;
  readonly client: Party;
  readonly clusters: readonly DataCluster[];
  /** What else is agreed to with the same button. */
  readonly others?: readonly OtherAccess[] | undefined;
  /** What they have allowed it before, where this changes that. */
  readonly earlier?: EarlierYes | undefined;
  /** Those that can be ticked: what is shared already and stays so is not among them. */
  readonly accounts: readonly SelectableAccount[];
  /** The form came back without an account chosen. */
  readonly noneChosen?: boolean | undefined;
  readonly journey?: Journey | undefined;
}

/** Which accounts? Posts `account` (repeated ids) and `decision` = `allow` or `refuse`. */
export function AccountSelectionPage(props: AccountSelectionPageProps) {
  const { bank, client, accounts, earlier, others = [] } = props;
  const app = <Name of={client.name} />;
  const error = props.noneChosen ? 'Choose at least one account, or cancel.' : undefined;
  const summary: FormError[] = error === undefined ? [] : [{ field: 'account', message: error }];
  const isMore = earlier?.stays === true;
  const hasAccounts = accounts.length > 0;
  const canGoOn = hasAccounts || isMore;
  const addsNothing = !hasAccounts && others.length === 0;
  return (
    <Layout
      title={
        !canGoOn
          ? 'You have no accounts to share'
          : addsNothing
            ? 'There is nothing to add'
            : 'Choose what to share'
      }
      brand={bank}
      invalid={error !== undefined}
      journey={props.journey}
      above={<LogoMark of={client} large />}
      lead={
        <>
          <strong>{app}</strong> asks to see data from your accounts at{' '}
          <strong>
            <Name of={bank.name} />
          </strong>
          .{others.length > 0 ? null : <> It can only look. It cannot move money.</>}
        </>
      }
    >
      <ErrorSummary errors={summary} />
      {earlier ? <EarlierYesCard {...earlier} app={app} /> : null}
      <Form action={props.action} csrf={props.csrf}>
        {canGoOn ? (
          <>
            {hasAccounts ? (
              <Card>
                <AccountList accounts={accounts} app={app} isMore={isMore} error={error} />
              </Card>
            ) : (
              <Notice kind="info">{app} sees all of your accounts already.</Notice>
            )}
            <Card heading={<>What {app} will see</>}>
              <ClusterList clusters={props.clusters} />
            </Card>
            <OtherAccessCards others={others} />
            <Card heading="The terms">
              <AccessTerms
                kind={props.kind}
                reachesBack={props.reachesBack}
                transactionFrom={props.transactionFrom}
                expiresAt={props.expiresAt}
                now={props.now}
                stop={<HowToStopAtBank app={app} />}
              />
            </Card>
            <DecisionButtons
              allow={addsNothing ? 'Leave it as it is' : 'Agree and share'}
              refuse="Cancel"
            />
          </>
        ) : (
          <>
            <Notice kind="info">
              None of your accounts at <Name of={bank.name} /> can be shared. Nothing has been
              shared with {app}.
            </Notice>
            <Button name="decision" value="refuse">
              Go back to {app}
            </Button>
          </>
        )}
      </Form>
    </Layout>
  );
}
