import { Button, ButtonLink } from '../components/button.js';
import { Card } from '../components/card.js';
import { Form } from '../components/form.js';
import { LogoMark } from '../components/logo-mark.js';
import { Name } from '../components/name.js';
import { Notice } from '../components/notice.js';
import { SummaryList } from '../components/summary-list.js';
import { displayName } from '../display-name.js';
import { formatTime } from '../format-date.js';
import type { Brand, Party, PostTarget } from '../party.js';
import { Layout } from '../render-page.js';

export interface ApprovalsPageProps {
  readonly bank: Exclude<Brand, 'assent'>;
  /** Who has signed in. */
  readonly customer: string;
  readonly waiting: readonly WaitingApproval[];
  /** Where this page is, to look again. */
  readonly href: string;
  readonly signOut: PostTarget;
}

export interface WaitingApproval {
  readonly href: string;
  readonly client: Party;
  readonly bindingMessage?: string | undefined;
  /** What is asked, in a few words. */
  readonly what: string;
  readonly expiresAt: Date;
}

/** What waits for a customer's decision, the latest first. */
export function ApprovalsPage({ bank, customer, waiting, href, signOut }: ApprovalsPageProps) {
  return (
    <Layout
      title="What waits for your approval"
      brand={bank}
      lead={
        <>
          Signed in as{' '}
          <strong>
            <Name of={customer} />
          </strong>
          . Nothing is approved unless you do it here.
        </>
      }
    >
      {waiting.length === 0 ? (
        <Notice kind="info">
          Nothing waits for your approval. What an app asks of you appears here within seconds.
        </Notice>
      ) : null}
      {waiting.map((approval) => (
        <Card
          key={approval.href}
          mark={<LogoMark of={approval.client} />}
          heading={<Name of={approval.client.name} />}
        >
          <SummaryList
            rows={[
              { term: 'What', description: displayName(approval.what, 160) },
              ...(approval.bindingMessage === undefined
                ? []
                : [
                    {
                      term: 'Message',
                      description: <BindingMessage of={approval.bindingMessage} />,
                    },
                  ]),
              {
                term: 'Until',
                description: (
                  <time dateTime={approval.expiresAt.toISOString()}>
                    {formatTime(approval.expiresAt)}
                  </time>
                ),
              },
            ]}
          />
          <p class="actions">
            <ButtonLink href={approval.href}>
              Look at the request of <Name of={approval.client.name} />
            </ButtonLink>
          </p>
        </Card>
      ))}
      <p class="actions">
        <ButtonLink href={href} look="secondary">
          Look again
        </ButtonLink>
      </p>
      <Form {...signOut}>
        <Button look="quiet">Sign out</Button>
      </Form>
    </Layout>
  );
}

/** What the client shows on its own screen, to be compared letter by letter. */
export function BindingMessage({ of: message }: { readonly of: string }) {
  return <code class="binding-message">{displayName(message, 40)}</code>;
}
