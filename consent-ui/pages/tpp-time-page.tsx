import { Button, ButtonLink } from '../components/button.js';
import { Card } from '../components/card.js';
import { ErrorSummary } from '../components/error-summary.js';
import { Field } from '../components/field.js';
import { Form } from '../components/form.js';
import { SummaryList } from '../components/summary-list.js';
import { formatDateTime } from '../format-date.js';
import type { Brand, PostTarget } from '../party.js';
import { Layout } from '../render-page.js';
import { tppTrust } from './tpp-home-page.js';

export interface TppTimePageProps {
  readonly brand: Exclude<Brand, 'assent'>;
  readonly now: Date;
  readonly realTime: Date;
  readonly move: PostTarget;
  /** What was wrong with the move before. */
  readonly error?: string | undefined;
  readonly given?: string | undefined;
}

/** Where an operator moves the sandbox's time. Posts `to`: `+5d`, a date, or a date and time. */
export function TppTimePage({ brand, now, realTime, move, error, given }: TppTimePageProps) {
  return (
    <Layout
      title="Time"
      brand={brand}
      invalid={error !== undefined}
      lead="The bank, Assent and this application share one time. Move it, and watch consents be reminded of, expire and come back."
      trust={tppTrust}
    >
      <ErrorSummary errors={error === undefined ? [] : [{ field: 'to', message: error }]} />
      <Card heading="Now">
        <SummaryList
          rows={[
            { term: 'In the sandbox', description: formatDateTime(now) },
            { term: 'In the real world', description: formatDateTime(realTime) },
          ]}
        />
      </Card>
      <Card heading="Move forwards">
        <p>
          A long move skips what was due on the way: of a consent that ends meanwhile comes one
          event, that it has expired, and no reminder before it. To see each, move in steps.
        </p>
        <Form {...move}>
          {steps.map(({ to, label }) => (
            <Button key={to} name="to" value={to} look="secondary">
              {label}
            </Button>
          ))}
        </Form>
        <Form {...move}>
          <Field
            name="to"
            label="To a date"
            hint="Year-month-day, e.g. 2028-02-19. Time never goes back."
            value={given}
            error={error}
            autocomplete="off"
            maxLength={40}
          />
          <Button>Move</Button>
        </Form>
      </Card>
      <ButtonLink look="quiet" href="/">
        Back to the start
      </ButtonLink>
    </Layout>
  );
}

const steps = [
  { to: '+1h', label: '1 hour' },
  { to: '+1d', label: '1 day' },
  { to: '+5d', label: '5 days' },
  { to: '+84d', label: '84 days' },
] as const;
