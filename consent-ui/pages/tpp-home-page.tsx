import { Button, ButtonLink } from '../components/button.js';
import { Card } from '../components/card.js';
import { CheckboxList, type Choice, RadioList } from '../components/choice-list.js';
import { Form } from '../components/form.js';
import { Icon } from '../components/icon.js';
import { Link } from '../components/link.js';
import { Name } from '../components/name.js';
import { displayName } from '../display-name.js';
import { formatDateTime } from '../format-date.js';
import type { Brand, PostTarget } from '../party.js';
import { Layout } from '../render-page.js';

export interface TppHomePageProps {
  readonly brand: Exclude<Brand, 'assent'>;
  readonly start: PostTarget;
  /** The registered clients, one per profile. */
  readonly clients: readonly Choice[];
  /** Institution scopes, e.g. `id:all`, `id:northbank`. */
  readonly scopes: readonly Choice[];
  readonly permissions: readonly Choice[];
  readonly connections: readonly {
    readonly href: string;
    readonly title: string;
    readonly detail: string;
  }[];
  /** The sandbox's time, and where it is moved. */
  readonly time: { readonly now: Date; readonly href: string };
  /** Where what came by webhooks is shown. */
  readonly eventsHref: string;
}

/**
 * Where a developer starts. Posts `client`, `access` (`one-time` or `ongoing`), `scope` and
 * `permission` (repeated).
 */
export function TppHomePage(props: TppHomePageProps) {
  return (
    <Layout
      title="Connect a bank, step by step"
      brand={props.brand}
      width="wide"
      trust={tppTrust}
      lead="A technical application. It shows each request it sends, each answer it gets, and what the tokens say."
    >
      {props.connections.length === 0 ? null : (
        <Card heading="Already connected">
          <ul class="rows">
            {props.connections.map(({ href, title, detail }) => (
              <li key={href}>
                <Link look="row" href={href}>
                  <span class="row-title">
                    <Name of={title} />
                    <span class="choice-detail">{displayName(detail, 120)}</span>
                  </span>
                  <span class="row-chevron">
                    <Icon name="chevron" />
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Form {...props.start}>
        <div class="side-by-side">
          <Card>
            <RadioList name="client" legend="Client and profile" choices={props.clients} />
          </Card>
          <Card>
            <RadioList name="access" legend="Access" choices={accessChoices} />
            <RadioList name="scope" legend="Bank" choices={props.scopes} />
          </Card>
        </div>
        <Card>
          <CheckboxList
            name="permission"
            legend="Permissions"
            hint="UK Open Banking permission codes. The bank shows them in plain words."
            choices={props.permissions}
          />
        </Card>
        <Button>Start</Button>
      </Form>
      <Card heading="Events">
        <p>What Assent told this application by webhooks.</p>
        <ButtonLink look="secondary" href={props.eventsHref}>
          See the events
        </ButtonLink>
      </Card>
      <Card heading="Time">
        <p>It is {formatDateTime(props.time.now)} in the sandbox.</p>
        <ButtonLink look="secondary" href={props.time.href}>
          Move the time
        </ButtonLink>
      </Card>
    </Layout>
  );
}

const accessChoices: readonly Choice[] = [
  {
    value: 'one-time',
    label: 'One-time',
    detail: 'Read the accounts once. No refresh token, no user to keep.',
    checked: true,
  },
  {
    value: 'ongoing',
    label: 'Ongoing',
    detail: 'Register a user and come back for the data for as long as the consent lasts.',
  },
];

/** The foot of every page of the application. */
export const tppTrust = 'A demonstration application. People, banks and money are made up.';
