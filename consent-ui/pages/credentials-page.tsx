import type { CredentialField } from '../../core/institution.js';
import { Button } from '../components/button.js';
import { Card } from '../components/card.js';
import { ErrorSummary } from '../components/error-summary.js';
import { Field } from '../components/field.js';
import { Form } from '../components/form.js';
import { Name } from '../components/name.js';
import { Parties } from '../components/parties.js';
import { displayName } from '../display-name.js';
import type { Party, PostTarget } from '../party.js';
import { type Journey, Layout } from '../render-page.js';

export interface CredentialsPageProps extends PostTarget {
  readonly client: Party;
  readonly institution: Party;
  readonly fields: readonly CredentialField[];
  /** What was wrong with the answer before; nothing of it is shown again. */
  readonly problem?: string | undefined;
  readonly cancel: PostTarget;
  readonly journey?: Journey | undefined;
}

const maxLength = 200;

/**
 * What does your bank want to know? For a bank that has no page of its own for this: its password is
 * typed here, so the page says who sees it and what becomes of it. Posts the fields by name.
 */
export function CredentialsPage(props: CredentialsPageProps) {
  const { client, institution, fields } = props;
  const problem = props.problem === undefined ? undefined : displayName(props.problem, 200);
  const app = <Name of={client.name} />;
  const bank = <Name of={institution.name} />;
  const asksForSecret = fields.some(({ secret }) => secret);
  const [first] = fields;
  return (
    <Layout
      title={
        asksForSecret
          ? `Sign in to ${displayName(institution.name)}`
          : `Enter the code from ${displayName(institution.name)}`
      }
      heading={asksForSecret ? <>Sign in to {bank}</> : <>Enter the code from {bank}</>}
      invalid={problem !== undefined}
      journey={props.journey}
      above={<Parties from={client} to={institution} />}
      lead={
        asksForSecret ? (
          <>
            {bank} has no page of its own where you could agree. Assent signs in for you, with what
            you enter here.
          </>
        ) : (
          <>{bank} wants to be sure that it is you.</>
        )
      }
      trust="Only enter your password at this address, and only after an app that you use has sent you here."
    >
      <ErrorSummary
        errors={
          problem === undefined ? [] : [{ ...(first && { field: first.name }), message: problem }]
        }
      />
      <Card>
        <Form action={props.action} csrf={props.csrf}>
          {fields.map(({ name, label, hint, secret, autocomplete, inputMode }) => (
            <Field
              key={name}
              name={name}
              label={displayName(label)}
              hint={hint === undefined ? undefined : displayName(hint, 200)}
              type={secret ? 'password' : 'text'}
              autocomplete={autocomplete}
              inputMode={inputMode}
              maxLength={maxLength}
              error={name === first?.name ? problem : undefined}
            />
          ))}
          <Button>{asksForSecret ? 'Sign in' : 'Continue'}</Button>
        </Form>
      </Card>
      <Card heading="What becomes of it">
        <p>
          <strong>{app} never sees it.</strong>{' '}
          {asksForSecret ? (
            <>
              Assent keeps it sealed, and uses it for one thing: to fetch the data that you agreed
              to share. When you disconnect {bank}, Assent deletes it.
            </>
          ) : (
            <>It is used once, now, and not kept.</>
          )}
        </p>
      </Card>
      <Form {...props.cancel}>
        <Button look="quiet">Cancel and go back to {app}</Button>
      </Form>
    </Layout>
  );
}
