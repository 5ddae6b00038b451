import { Button, ButtonLink, type ButtonLook } from '../components/button.js';
import { type Exchange, ExchangeView } from '../components/exchange-view.js';
import { Form } from '../components/form.js';
import type { Brand, PostTarget } from '../party.js';
import { Layout } from '../render-page.js';
import { tppTrust } from './tpp-home-page.js';

export interface TppStepPageProps {
  readonly brand: Exclude<Brand, 'assent'>;
  readonly title: string;
  readonly intro: string;
  readonly exchanges: readonly Exchange[];
  readonly next?: TppNext | undefined;
  /** What can be done instead. */
  readonly others?: readonly TppNext[] | undefined;
}

export type TppNext =
  | (PostTarget & { readonly label: string })
  | { readonly href: string; readonly label: string };

/** What was just sent and received, and the way on. */
export function TppStepPage(props: TppStepPageProps) {
  const { brand, title, intro, exchanges, next, others = [] } = props;
  return (
    <Layout title={title} brand={brand} width="wide" lead={intro} trust={tppTrust}>
      {next === undefined || exchanges.length < 2 ? null : <Next {...next} />}
      {others.length === 0 ? null : (
        <div class="actions">
          {others.map((other) => (
            <Next key={other.label} look="secondary" {...other} />
          ))}
        </div>
      )}
      {exchanges.map((exchange, index) => (
        <ExchangeView key={`${index}-${exchange.title}`} of={exchange} number={index + 1} />
      ))}
      {next === undefined ? null : <Next {...next} />}
    </Layout>
  );
}

/** The way on from a page of the application: a link, or a form where it changes something. */
export function Next({ look = 'primary', ...next }: TppNext & { readonly look?: ButtonLook }) {
  if ('href' in next) {
    return (
      <ButtonLink href={next.href} look={look}>
        {next.label}
      </ButtonLink>
    );
  }
  return (
    <Form action={next.action} csrf={next.csrf}>
      <Button look={look}>{next.label}</Button>
    </Form>
  );
}
