import { Button } from '../components/button.js';
import { Card } from '../components/card.js';
import { Form } from '../components/form.js';
import { Day, describeEnd, type GrantedPart, GrantedParts } from '../components/granted-parts.js';
import { accessPageTitle } from '../components/how-to-stop-at-bank.js';
import { LogoMark } from '../components/logo-mark.js';
import { Name } from '../components/name.js';
import { Notice } from '../components/notice.js';
import { SummaryList } from '../components/summary-list.js';
import { displayName } from '../display-name.js';
import type { Brand, Party, PostTarget } from '../party.js';
import { Layout } from '../render-page.js';

export interface AccessPageProps {
  readonly bank: Exclude<Brand, 'assent'>;
  /** Who has signed in. */
  readonly customer: string;
  readonly shared: readonly SharedAccess[];
  /** One was just ended. */
  readonly hasEnded?: boolean | undefined;
  readonly signOut: PostTarget;
}

/** What one app sees: accounts, or who somebody is. */
export type SharedAccess = {
  readonly client: Party;
  readonly since: Date;
  readonly end: PostTarget;
} & (
  | { readonly parts: readonly GrantedPart[] }
  | { readonly knows: readonly string[]; readonly until: Date }
);

/** Who sees a customer's data, and how to end it; each app is a form of its own. */
export function AccessPage({ bank, customer, shared, hasEnded, signOut }: AccessPageProps) {
  return (
    <Layout
      title={accessPageTitle}
      brand={bank}
      lead={
        <>
          Signed in as{' '}
          <strong>
            <Name of={customer} />
          </strong>
          . You can end the access of each app at any time.
        </>
      }
    >
      {hasEnded ? (
        <Notice kind="success">
          That app sees your data no more. To share again, start there.
        </Notice>
      ) : null}
      {shared.length === 0 ? <Notice kind="info">No app sees your data.</Notice> : null}
      {shared.map((access) => {
        const { client, since, end } = access;
        return (
          <Card
            key={end.action}
            mark={<LogoMark of={client} />}
            heading={<Name of={client.name} />}
          >
            {'parts' in access ? (
              <GrantedParts parts={access.parts} since={{ term: 'Since', at: since }} />
            ) : (
              <SummaryList
                rows={[
                  {
                    term: 'It knows',
                    description: access.knows.map((line) => <div key={line}>{line}</div>),
                  },
                  { term: 'Since', description: <Day date={since} /> },
                  describeEnd(access.until),
                ]}
              />
            )}
            <Form {...end}>
              <Button look="secondary">End the access of {displayName(client.name)}</Button>
            </Form>
          </Card>
        );
      })}
      <Form {...signOut}>
        <Button look="quiet">Sign out</Button>
      </Form>
    </Layout>
  );
}
