import { ButtonLink } from '../components/button.js';
import { Icon } from '../components/icon.js';
import { Name } from '../components/name.js';
import { displayName } from '../display-name.js';
import type { Brand } from '../party.js';
import { Layout } from '../render-page.js';

export interface LoggedOutPageProps {
  readonly bank: Exclude<Brand, 'assent'>;
  /** The application that the person stays signed out of; absent where it is all of them. */
  readonly application?: string | undefined;
  /** Where the application begins a new visit. */
  readonly again?: string | undefined;
}

/** You are signed out. */
export function LoggedOutPage({ bank, application, again }: LoggedOutPageProps) {
  return (
    <Layout
      title="You are signed out"
      brand={bank}
      above={
        <span class="problem-mark">
          <Icon name="success" />
        </span>
      }
      lead={
        application === undefined ? (
          <>
            Nobody can go on as you in this browser. Sign in again at <Name of={bank.name} /> when
            you need to.
          </>
        ) : (
          <>
            <Name of={application} /> does not know you any more. You are still signed in to{' '}
            <Name of={bank.name} />.
          </>
        )
      }
    >
      {again === undefined ? null : (
        <p class="actions">
          <ButtonLink href={again}>
            Sign in again{application === undefined ? '' : ` to ${displayName(application)}`}
          </ButtonLink>
        </p>
      )}
    </Layout>
  );
}
