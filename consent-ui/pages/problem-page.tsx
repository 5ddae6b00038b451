import { Button, ButtonLink } from '../components/button.js';
import { Form } from '../components/form.js';
import { Icon } from '../components/icon.js';
import { displayName } from '../display-name.js';
import type { Brand, PostTarget } from '../party.js';
import { Layout } from '../render-page.js';

export interface ProblemPageProps {
  readonly title: string;
  /** What happened and what it means for the person, in one sentence or two. */
  readonly sentence: string;
  /** The reference under which the decision trace can be found. */
  readonly traceId?: string | undefined;
  readonly retry?: PostTarget | undefined;
  readonly back?:
    | (PostTarget & { readonly label: string })
    | { readonly href: string; readonly label: string }
    | undefined;
  readonly brand?: Brand | undefined;
}

/** Something went wrong: what, and the ways on. Never a dead end where a way back is known. */
export function ProblemPage({ title, sentence, traceId, retry, back, brand }: ProblemPageProps) {
  return (
    <Layout
      title={displayName(title, 90)}
      brand={brand}
      above={
        <span class="problem-mark">
          <Icon name="warning" />
        </span>
      }
      lead={displayName(sentence, 400)}
    >
      {retry === undefined ? null : (
        <Form {...retry}>
          <Button>Try again</Button>
        </Form>
      )}
      {back === undefined ? null : <WayBack {...back} only={retry === undefined} />}
      {traceId === undefined ? null : (
        <p class="quiet">
          If you ask for help, give this reference: <code>{displayName(traceId, 80)}</code>
        </p>
      )}
    </Layout>
  );
}

function WayBack({
  only,
  ...back
}: NonNullable<ProblemPageProps['back']> & { readonly only: boolean }) {
  const look = only ? 'primary' : 'secondary';
  const label = displayName(back.label);
  if ('href' in back) {
    return (
      <p class="actions">
        <ButtonLink href={back.href} look={look}>
          {label}
        </ButtonLink>
      </p>
    );
  }
  return (
    <Form action={back.action} csrf={back.csrf}>
      <Button look={look}>{label}</Button>
    </Form>
  );
}
