import { Card } from '../components/card.js';
import { type Exchange, ExchangeView } from '../components/exchange-view.js';
import { Icon } from '../components/icon.js';
import { SummaryList } from '../components/summary-list.js';
import { displayName } from '../display-name.js';
import type { Brand } from '../party.js';
import { Layout } from '../render-page.js';
import { tppTrust } from './tpp-home-page.js';
import { Next, type TppNext } from './tpp-step-page.js';

export interface TppErrorPageProps {
  readonly brand: Exclude<Brand, 'assent'>;
  /** Which step failed, e.g. "The bank was not connected". */
  readonly title: string;
  /** The OAuth error, as it came back. */
  readonly error: string;
  readonly description?: string | undefined;
  readonly traceId?: string | undefined;
  readonly exchanges?: readonly Exchange[] | undefined;
  readonly next?: TppNext | undefined;
}

/** A step that failed: the error as the standard names it, and the way to try again. */
export function TppErrorPage(props: TppErrorPageProps) {
  const facts = [
    ['Error', props.error],
    ['Description', props.description],
    ['Trace id', props.traceId],
  ] as const;
  return (
    <Layout
      title={props.title}
      brand={props.brand}
      width="wide"
      trust={tppTrust}
      above={
        <span class="problem-mark">
          <Icon name="warning" />
        </span>
      }
    >
      <Card heading="What came back">
        <SummaryList
          rows={facts.flatMap(([term, value]) =>
            value === undefined
              ? []
              : [{ term, description: <code>{displayName(value, 400)}</code> }],
          )}
        />
      </Card>
      {props.next === undefined ? null : <Next {...props.next} />}
      {props.exchanges?.map((exchange, index) => (
        <ExchangeView key={`${index}-${exchange.title}`} of={exchange} number={index + 1} />
      ))}
    </Layout>
  );
}
