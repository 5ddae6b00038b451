import { Button } from '../components/button.js';
import { Form } from '../components/form.js';
import { Name } from '../components/name.js';
import { displayName } from '../display-name.js';
import type { Brand, PostTarget } from '../party.js';
import { Layout } from '../render-page.js';

export interface LogoutPageProps extends PostTarget {
  readonly bank: Exclude<Brand, 'assent'>;
  /** The application that asks. */
  readonly application?: string | undefined;
}

/** Do you want to sign out? Posts `logout`, and nothing where the person stays signed in. */
export function LogoutPage({ bank, application, action, csrf }: LogoutPageProps) {
  return (
    <Layout
      title={`Sign out of ${displayName(bank.name)}?`}
      heading={
        <>
          Sign out of <Name of={bank.name} />?
        </>
      }
      brand={bank}
      lead={
        application === undefined ? (
          'You are then signed out of every application that you signed in to with it.'
        ) : (
          <>
            <strong>
              <Name of={application} />
            </strong>{' '}
            has signed you out. If you sign out here too, you are signed out of every other
            application as well.
          </>
        )
      }
    >
      <Form action={action} csrf={csrf} tokenName="xsrf">
        <div class="actions">
          <Button name="logout" value="yes">
            Sign out
          </Button>
          <Button look="secondary">Stay signed in</Button>
        </div>
      </Form>
    </Layout>
  );
}
