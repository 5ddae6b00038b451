import { ButtonLink } from '../components/button.js';
import { LogoMark } from '../components/logo-mark.js';
import { Name } from '../components/name.js';
import { Notice } from '../components/notice.js';
import type { Brand, Party } from '../party.js';
import { Layout } from '../render-page.js';

export interface ApprovalOutcomePageProps {
  readonly bank: Exclude<Brand, 'assent'>;
  readonly client: Party;
  readonly outcome: keyof typeof outcomes;
}

const outcomes = {
  approved: {
    kind: 'success',
    title: 'You have approved this',
    sentence: 'Go back to where you were. The app goes on by itself within a few seconds.',
  },
  refused: {
    kind: 'success',
    title: 'You have refused this',
    sentence: 'The app is told so. Nothing was confirmed and nothing was shared.',
  },
  expired: {
    kind: 'info',
    title: 'This request has expired',
    sentence: 'It was not decided in time, so nothing was shared. The app can ask again.',
  },
  superseded: {
    kind: 'info',
    title: 'A newer request has taken its place',
    sentence: 'The same app has asked again since. Look at the newer request, if it still waits.',
  },
  withdrawn: {
    kind: 'info',
    title: 'This is no longer asked',
    sentence: 'The app has taken back what it asked for. Nothing was shared.',
  },
} as const;

/** What became of a request, and the way back to the others. */
export function ApprovalOutcomePage({ bank, client, outcome }: ApprovalOutcomePageProps) {
  const { kind, title, sentence } = outcomes[outcome];
  return (
    <Layout
      title={title}
      brand={bank}
      above={<LogoMark of={client} large />}
      lead={
        <>
          A request of{' '}
          <strong>
            <Name of={client.name} />
          </strong>
        </>
      }
    >
      <Notice kind={kind}>{sentence}</Notice>
      <p class="actions">
        <ButtonLink href="/approvals">What else waits</ButtonLink>
      </p>
    </Layout>
  );
}
