import type { ComponentChildren } from 'preact';
import type { DataCluster } from '../../core/permissions.js';
import { type AccessPeriod, AccessTerms, HowToStop } from '../components/access-terms.js';
import { Card } from '../components/card.js';
import { ClusterList } from '../components/cluster-list.js';
import { DecisionButtons } from '../components/decision-buttons.js';
import { Form } from '../components/form.js';
import { Name } from '../components/name.js';
import { Notice } from '../components/notice.js';
import { Parties } from '../components/parties.js';
import { displayName } from '../display-name.js';
import { formatDate, formatDuration } from '../format-date.js';
import type { Party, PostTarget } from '../party.js';
import { Layout } from '../render-page.js';

export interface RenewalPageProps extends PostTarget, AccessPeriod {
  readonly expiresAt: Date;
  readonly purpose: 'reauth' | 'reconsent' | 'refresh';
  readonly client: Party;
  readonly institution: Party;
  readonly clusters: readonly DataCluster[];
  /** Where they sign in next, as of the consent page. */
  readonly signIn?: 'at-bank' | 'here' | undefined;
  readonly connectedOn: Date;
  /** The end as agreed before; may be past. */
  readonly endsAt: Date;
  /** Whether the person agrees to other data or another history than before. */
  readonly isChanged: boolean;
}

/**
 * What is different this time, on the page of a connection that is renewed: why, until when, and what
 * happens if not. Posts `decision` = `allow` or `refuse`.
 */
export function RenewalPage(props: RenewalPageProps) {
  const { client, institution, connectedOn, endsAt, expiresAt, now } = props;
  const app = <Name of={client.name} />;
  const bank = <Name of={institution.name} />;
  const isHere = props.signIn === 'here';
  const words = wordings[props.purpose]({
    app,
    bank,
    appName: displayName(client.name),
    bankName: displayName(institution.name),
    end: <Day date={expiresAt} />,
    endName: formatDate(expiresAt),
    isHere,
  });
  const isOver = endsAt <= now;
  const isShorter = expiresAt < endsAt && !isAlike(expiresAt, endsAt);
  return (
    <Layout
      title={words.title}
      heading={words.heading}
      above={<Parties from={client} to={institution} />}
      lead={words.lead}
      trust={isHere ? 'Assent connects apps to banks, only with your permission.' : undefined}
    >
      {isShorter ? (
        <Notice kind="warning">
          If you agree, sharing ends earlier than you agreed before: on <Day date={expiresAt} />,
          which is {formatDuration(expiresAt, endsAt)} before <Day date={endsAt} />.
        </Notice>
      ) : null}
      <Card heading="The terms">
        <AccessTerms
          kind={props.kind}
          transactionFrom={props.transactionFrom}
          expiresAt={expiresAt}
          now={now}
          until="If you agree, until"
          change={isOver ? undefined : describeChange(endsAt, expiresAt)}
          first={[
            { term: 'Connected since', description: <Day date={connectedOn} /> },
            {
              term: isOver ? 'Ended on' : 'Agreed so far until',
              description: <Day date={endsAt} />,
            },
          ]}
          stop={<HowToStop app={client} institution={institution} isHere={isHere} />}
        />
      </Card>
      <Card
        heading={
          props.isChanged ? <>What {app} will see from now on</> : <>What {app} sees, as before</>
        }
      >
        <ClusterList clusters={props.clusters} />
      </Card>
      <Form action={props.action} csrf={props.csrf}>
        <DecisionButtons allow={words.yes} refuse="Not now" />
        <p class="quiet">
          {words.next} If you choose “Not now”, nothing changes and you go back to {app}
          {isOver ? (
            ': it gets no new data.'
          ) : (
            <>
              : its access ends on <Day date={endsAt} />.
            </>
          )}
        </p>
      </Form>
    </Layout>
  );
}

interface Wording {
  readonly title: string;
  readonly heading: ComponentChildren;
  readonly lead: ComponentChildren;
  readonly yes: ComponentChildren;
  /** What happens after the yes. */
  readonly next: ComponentChildren;
}

interface Names {
  readonly app: ComponentChildren;
  readonly bank: ComponentChildren;
  readonly appName: string;
  readonly bankName: string;
  /** When it ends if they agree. */
  readonly end: ComponentChildren;
  readonly endName: string;
  /** Whether the person signs in on our page. */
  readonly isHere: boolean;
}

const wordings: Readonly<Record<RenewalPageProps['purpose'], (names: Names) => Wording>> = {
  reconsent: ({ app, bank, appName, end, endName }) => ({
    title: `Keep sharing with ${appName} until ${endName}?`,
    heading: (
      <>
        Keep sharing with {app} until {end}?
      </>
    ),
    lead: (
      <>
        <strong>{app}</strong> asks to go on seeing data from your accounts at{' '}
        <strong>{bank}</strong>. You do not have to sign in at {bank} for this.
      </>
    ),
    yes: 'Keep sharing',
    next: <>If you keep sharing, you go straight back to {app}.</>,
  }),
  reauth: ({ app, bank, appName, bankName, isHere }) => ({
    title: `Sign in at ${bankName} again to keep ${appName} connected`,
    heading: (
      <>
        Sign in at {bank} again to keep {app} connected
      </>
    ),
    lead: (
      <>
        <strong>{bank}</strong> has to see once more that it is you who shares data with{' '}
        <strong>{app}</strong>. Your connection and its accounts stay the same.
      </>
    ),
    yes: isHere ? 'Continue' : <>Continue to {bank}</>,
    next: isHere ? (
      <>You enter your user name and password for {bank} next.</>
    ) : (
      <>You sign in at {bank} next, with the login that you used before.</>
    ),
  }),
  refresh: ({ app, bank, bankName, end, endName }) => ({
    title: `Update your data from ${bankName} and share it until ${endName}`,
    heading: (
      <>
        Update your data from {bank} and share it until {end}
      </>
    ),
    lead: (
      <>
        <strong>{app}</strong> cannot update your data from <strong>{bank}</strong> without you: the
        bank asks for something that only you can give, such as a code. By giving it you also agree
        that {app} sees your data until {end}.
      </>
    ),
    yes: 'Continue',
    next: <>You answer what {bank} asks next.</>,
  }),
};

function describeChange(before: Date, after: Date): string {
  if (isAlike(before, after)) return 'nearly the same as agreed so far';
  if (after < before) return `${formatDuration(after, before)} earlier than agreed so far`;
  return `${formatDuration(before, after)} later than agreed so far`;
}

/** Whether two ends differ by less than can be said in hours. */
function isAlike(one: Date, other: Date): boolean {
  return Math.abs(one.getTime() - other.getTime()) < 3_600_000;
}

function Day({ date }: { readonly date: Date }) {
  return <time dateTime={date.toISOString()}>{formatDate(date)}</time>;
}
