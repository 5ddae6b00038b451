import type { SharedDetail } from '../../core/person-claims.js';
import { Card } from '../components/card.js';
import { ClusterList } from '../components/cluster-list.js';
import { DecisionButtons } from '../components/decision-buttons.js';
import { Form } from '../components/form.js';
import { accessPageTitle } from '../components/how-to-stop-at-bank.js';
import { IdentityTerms } from '../components/identity-terms.js';
import { LogoMark } from '../components/logo-mark.js';
import { Name } from '../components/name.js';
import { displayName } from '../display-name.js';
import type { Brand, Party, PostTarget } from '../party.js';
import { Layout } from '../render-page.js';

export interface SignOnConsentPageProps extends PostTarget {
  readonly bank: Exclude<Brand, 'assent'>;
  readonly client: Party;
  /** What the application will know besides that it is the same person. */
  readonly details: readonly SharedDetail[];
  /** Why, as the application says it. */
  readonly purpose?: string | undefined;
  /** Whether it keeps its access when the person has signed out. */
  readonly lasting: boolean;
  /** When it ends by itself; absent where it lasts as long as the person stays signed in. */
  readonly expiresAt?: Date | undefined;
}

/** May this application know who you are? Posts `decision` = `allow` or `refuse`. */
export function SignOnConsentPage(props: SignOnConsentPageProps) {
  const { bank, client, details, purpose, lasting, expiresAt } = props;
  const app = <Name of={client.name} />;
  return (
    <Layout
      title={`Sign in to ${displayName(client.name)} with ${displayName(bank.name)}?`}
      heading={
        <>
          Sign in to {app} with <Name of={bank.name} />?
        </>
      }
      brand={bank}
      above={<LogoMark of={client} large />}
      lead={
        <>
          <strong>{app}</strong> asks who you are. It sees nothing of your accounts and cannot move
          money.
        </>
      }
    >
      {purpose === undefined ? null : (
        <Card heading={<>Why, in the words of {app}</>}>
          <p>
            <q>
              <Name of={purpose} maxLength={300} />
            </q>
          </p>
        </Card>
      )}
      <Card heading={<>What {app} will know</>}>
        {details.length === 0 ? (
          <p>That it is you, each time you sign in. Not your name.</p>
        ) : (
          <ClusterList clusters={details} />
        )}
        {lasting ? (
          <p>
            It keeps this when you have signed out. You can end it at any time, here at the bank, on
            the page “{accessPageTitle}”.
          </p>
        ) : null}
      </Card>
      {expiresAt ? <IdentityTerms app={app} until={expiresAt} /> : null}
      <Form action={props.action} csrf={props.csrf}>
        <DecisionButtons />
        <p class="quiet">If you refuse, you go back to {app} and nothing is shared.</p>
      </Form>
    </Layout>
  );
}
