import { Button } from '../components/button.js';
import { Card } from '../components/card.js';
import { ClientTerms } from '../components/client-terms.js';
import { ErrorSummary, type FormError } from '../components/error-summary.js';
import { Field } from '../components/field.js';
import { Form } from '../components/form.js';
import { LogoMark } from '../components/logo-mark.js';
import { Name } from '../components/name.js';
import { SummaryList } from '../components/summary-list.js';
import { displayName } from '../display-name.js';
import type { Brand, Party, PostTarget } from '../party.js';
import { type Journey, Layout } from '../render-page.js';

export interface BankLoginPageProps extends PostTarget {
  readonly bank: Exclude<Brand, 'assent'>;
  /** Who has sent the person here; absent where they came by themselves. */
  readonly client?: Party | undefined;
  /** What the client asks for; data of accounts where nothing is said. */
  readonly asks?: 'data' | 'identity' | undefined;
  /** One sentence for those who came by themselves: what comes next. */
  readonly lead?: string | undefined;
  readonly cancel?: PostTarget | undefined;
  /** What was typed as login, when the page is shown again; the password is never shown again. */
  readonly login?: string | undefined;
  readonly error?: keyof typeof errors | undefined;
  /** Demo people, in a sandbox only. */
  readonly hints?: readonly DemoPerson[] | undefined;
  readonly journey?: Journey | undefined;
}

export interface DemoPerson {
  readonly login: string;
  readonly password: string;
  readonly what: string;
}

interface LoginError {
  readonly login?: string;
  readonly password?: string;
}

const loginMissing = 'Enter your login.';
const passwordMissing = 'Enter your password.';

/**
 * What is said at which field (WCAG 3.3.1). The same words for an unknown login and a wrong password, so
 * that nobody learns who banks here.
 */
const errors = {
  mismatch: { login: 'That login and password do not belong together. Check both and try again.' },
  'login-missing': { login: loginMissing },
  'password-missing': { password: passwordMissing },
  'both-missing': { login: loginMissing, password: passwordMissing },
  'too-many-attempts': { login: 'Too many attempts. Wait a few minutes, then try again.' },
} satisfies Record<string, LoginError>;

/** Who are you? At the bank, in its colours. Posts `login` and `password`. */
export function BankLoginPage(props: BankLoginPageProps) {
  const { bank, client, error, hints = [] } = props;
  const wrong: LoginError = error === undefined ? {} : errors[error];
  const summary: FormError[] = Object.entries(wrong).map(([field, message]) => ({
    field,
    message,
  }));
  return (
    <Layout
      title={`Sign in to ${displayName(bank.name)}`}
      heading={
        <>
          Sign in to <Name of={bank.name} />
        </>
      }
      brand={bank}
      invalid={error !== undefined}
      journey={props.journey}
      above={client && <LogoMark of={client} large />}
      lead={
        client ? (
          <>
            <strong>
              <Name of={client.name} />
            </strong>{' '}
            {props.asks === 'identity'
              ? 'asks who you are.'
              : 'asks to see data from your accounts.'}{' '}
            After you sign in, you decide what to share.
          </>
        ) : (
          props.lead
        )
      }
    >
      <ErrorSummary errors={summary} />
      <Card>
        <Form action={props.action} csrf={props.csrf}>
          <Field
            name="login"
            label="Login"
            autocomplete="username"
            maxLength={200}
            value={props.login}
            error={wrong.login}
          />
          <Field
            name="password"
            label="Password"
            type="password"
            autocomplete="current-password"
            maxLength={200}
            error={wrong.password}
          />
          <Button>Sign in</Button>
        </Form>
      </Card>
      {client && <ClientTerms of={client} />}
      {hints.length === 0 ? null : <DemoPeople hints={hints} />}
      {client && props.cancel ? (
        <Form {...props.cancel}>
          <Button look="quiet">
            Cancel and go back to <Name of={client.name} />
          </Button>
        </Form>
      ) : null}
    </Layout>
  );
}

function DemoPeople({ hints }: { readonly hints: readonly DemoPerson[] }) {
  return (
    <Card heading="Demo people">
      <p class="quiet">This is a sandbox with made-up data. Sign in as any of them.</p>
      <SummaryList
        rows={hints.map(({ login, password, what }) => ({
          term: displayName(what, 120),
          description: (
            <>
              <code>{login}</code> with password <code>{password}</code>
            </>
          ),
        }))}
      />
    </Card>
  );
}
