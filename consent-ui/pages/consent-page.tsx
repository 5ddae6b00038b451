import type { DataCluster } from '../../core/permissions.js';
import { type AccessPeriod, AccessTerms, HowToStop } from '../components/access-terms.js';
import { Card } from '../components/card.js';
import { ClusterList } from '../components/cluster-list.js';
import { DecisionButtons } from '../components/decision-buttons.js';
import { Form } from '../components/form.js';
import { Icon } from '../components/icon.js';
import { Name } from '../components/name.js';
import { Notice } from '../components/notice.js';
import { Parties } from '../components/parties.js';
import { displayName } from '../display-name.js';
import type { Party, PostTarget } from '../party.js';
import { type Journey, Layout } from '../render-page.js';

export interface ConsentPageProps extends PostTarget, AccessPeriod {
  readonly expiresAt: Date;
  readonly client: Party;
  readonly institution: Party;
  readonly clusters: readonly DataCluster[];
  /** Where they sign in next: `here` where the bank has no page for it; at the bank by default. */
  readonly signIn?: 'at-bank' | 'here' | undefined;
  /** Said first to a person who comes back to a page left open earlier. */
  readonly resumeNote?: string | undefined;
  readonly journey?: Journey | undefined;
}

/** What is shared, with whom, until when, how to stop? Posts `decision` = `allow` or `refuse`. */
export function ConsentPage(props: ConsentPageProps) {
  const { client, institution, kind } = props;
  const isHere = props.signIn === 'here';
  const app = <Name of={client.name} />;
  const bank = <Name of={institution.name} />;
  return (
    <Layout
      title={`Share your data with ${displayName(client.name)}?`}
      heading={<>Share your data with {app}?</>}
      journey={props.journey}
      trust={isHere ? 'Assent connects apps to banks, only with your permission.' : undefined}
      above={<Parties from={client} to={institution} />}
      lead={
        <>
          <strong>{app}</strong> asks to see data from your accounts at <strong>{bank}</strong>
          {kind === 'one-time' ? ', one time' : ''}. It can only look. It cannot move money.
        </>
      }
    >
      {props.resumeNote === undefined ? null : <Notice kind="info">{props.resumeNote}</Notice>}
      <Card heading={<>What {app} will see</>}>
        <ClusterList clusters={props.clusters} />
      </Card>
      <Card heading="The terms">
        <AccessTerms
          kind={kind}
          transactionFrom={props.transactionFrom}
          expiresAt={props.expiresAt}
          now={props.now}
          first={[
            ...(client.host === undefined
              ? []
              : [
                  {
                    term: 'Who asks',
                    description: <VerifiedHost client={client} host={client.host} />,
                  },
                ]),
            {
              term: 'Which accounts',
              description: isHere ? (
                <>All that you see online at {bank}</>
              ) : (
                <>You choose them next, at {bank}</>
              ),
            },
          ]}
          stop={<HowToStop app={client} institution={institution} isHere={isHere} />}
        />
      </Card>
      <Form action={props.action} csrf={props.csrf}>
        <DecisionButtons />
        <p class="quiet">
          {isHere ? (
            <>If you allow this, you enter your user name and password for {bank} next.</>
          ) : (
            <>If you allow this, you sign in at {bank} next.</>
          )}{' '}
          If you refuse, you go back to {app} and nothing is shared.
        </p>
      </Form>
    </Layout>
  );
}

function VerifiedHost({ client, host }: { readonly client: Party; readonly host: string }) {
  return (
    <>
      <Name of={client.name} />
      <br />
      <span class="with-icon">
        <Icon name="success" />
        <span>
          Website checked by us: <strong>{displayName(host)}</strong>
        </span>
      </span>
    </>
  );
}
