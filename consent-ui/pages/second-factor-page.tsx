import { Button } from '../components/button.js';
import { Card } from '../components/card.js';
import { ErrorSummary, type FormError } from '../components/error-summary.js';
import { Field } from '../components/field.js';
import { Form } from '../components/form.js';
import { LogoMark } from '../components/logo-mark.js';
import { Name } from '../components/name.js';
import { displayName } from '../display-name.js';
import type { Brand, Party, PostTarget } from '../party.js';
import { type Journey, Layout } from '../render-page.js';

export interface SecondFactorPageProps extends PostTarget {
  readonly bank: Exclude<Brand, 'assent'>;
  /** Who has sent the person here; absent where they came by themselves. */
  readonly client?: Party | undefined;
  /** `your phone ending in 417` */
  readonly device: string;
  readonly error?: keyof typeof errors | undefined;
  /** What a simulated device shows, in a sandbox only. */
  readonly simulatedMessage?: string | undefined;
  readonly sendAgain: PostTarget;
  readonly cancel: PostTarget;
  readonly journey?: Journey | undefined;
}

const errors = {
  mismatch: 'That is not the code, or it is too old. Check it, or have a new one sent.',
  missing: 'Enter the code.',
  'too-many-attempts': 'Too many attempts. Wait a few minutes, then try again.',
} as const;

/** Do you have your device? Posts `code`. */
export function SecondFactorPage(props: SecondFactorPageProps) {
  const { bank, client, error, simulatedMessage } = props;
  const message = error === undefined ? undefined : errors[error];
  const summary: FormError[] = message === undefined ? [] : [{ field: 'code', message }];
  return (
    <Layout
      title="Enter the code we sent you"
      brand={bank}
      invalid={error !== undefined}
      journey={props.journey}
      above={client && <LogoMark of={client} large />}
      lead={
        <>
          We sent it to <strong>{displayName(props.device, 60)}</strong>, to be sure that it is you.
          The message says what the code is for. Do not enter it if that is not what you want.
        </>
      }
    >
      <ErrorSummary errors={summary} />
      <Card>
        <Form action={props.action} csrf={props.csrf}>
          <Field
            name="code"
            label="Code"
            autocomplete="one-time-code"
            inputMode="numeric"
            maxLength={20}
            error={message}
          />
          <Button>Continue</Button>
        </Form>
        <Form {...props.sendAgain}>
          <Button look="secondary">Send a new code</Button>
        </Form>
      </Card>
      {simulatedMessage === undefined ? null : (
        <Card heading="Demo phone">
          <p class="quiet">This is a sandbox. Your phone would show:</p>
          <p>
            <q>{displayName(simulatedMessage, 400)}</q>
          </p>
        </Card>
      )}
      <Form {...props.cancel}>
        <Button look="quiet">
          {client ? (
            <>
              Cancel and go back to <Name of={client.name} />
            </>
          ) : (
            'Cancel'
          )}
        </Button>
      </Form>
    </Layout>
  );
}
