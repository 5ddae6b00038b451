import { Button } from '../components/button.js';
import { Card } from '../components/card.js';
import { Form } from '../components/form.js';
import { Icon } from '../components/icon.js';
import { LogoMark } from '../components/logo-mark.js';
import { Name } from '../components/name.js';
import { Notice } from '../components/notice.js';
import { Tag } from '../components/tag.js';
import { displayName } from '../display-name.js';
import type { Party, PostTarget } from '../party.js';
import { type Journey, Layout } from '../render-page.js';

export interface ChooserInstitution extends Party {
  readonly id: string;
  /** A word about the bank where one is needed, e.g. "Test". */
  readonly tag?: string | undefined;
}

export interface InstitutionChooserProps extends PostTarget {
  readonly client: Party;
  /** Where the search form goes, by GET with `q`. */
  readonly searchAction: string;
  readonly query?: string | undefined;
  /** The banks to show, already filtered and bounded by the server. */
  readonly institutions: readonly ChooserInstitution[];
  /** How many banks match in all. */
  readonly total: number;
  readonly cancel: PostTarget;
  readonly journey?: Journey | undefined;
}

/** Which bank? Posts `institution` = the id of the chosen bank; cancel posts to its own target. */
export function InstitutionChooserPage(props: InstitutionChooserProps) {
  const { client, institutions, total, query } = props;
  return (
    <Layout
      title="Choose your bank"
      journey={props.journey}
      above={<LogoMark of={client} large />}
      lead={
        <>
          Where are the accounts that you want to connect to <Name of={client.name} />?
        </>
      }
    >
      <Card>
        <Search action={props.searchAction} query={query} />
        <p class="quiet">{describeResults(institutions.length, total, query)}</p>
        {institutions.length === 0 ? (
          <Notice kind="info">
            Check the spelling, or try a shorter part of the name. If your bank is not here,{' '}
            <Name of={client.name} /> cannot connect to it yet.
          </Notice>
        ) : (
          <Form action={props.action} csrf={props.csrf}>
            <ul class="rows">
              {institutions.map((institution) => (
                <li key={institution.id}>
                  <InstitutionButton {...institution} />
                </li>
              ))}
            </ul>
          </Form>
        )}
      </Card>
      <Form {...props.cancel}>
        <Button look="quiet">
          Cancel and go back to <Name of={client.name} />
        </Button>
      </Form>
    </Layout>
  );
}

function Search({
  action,
  query,
}: {
  readonly action: string;
  readonly query?: string | undefined;
}) {
  return (
    <search>
      <form method="get" action={action} class="field">
        <label for="q">Find your bank</label>
        <div class="search">
          <input
            id="q"
            name="q"
            type="search"
            value={query ?? ''}
            maxLength={80}
            autocomplete="off"
            enterkeyhint="search"
          />
          <button type="submit" class="button button-secondary">
            <Icon name="search" /> Search
          </button>
        </div>
      </form>
    </search>
  );
}

function InstitutionButton(institution: ChooserInstitution) {
  return (
    <button type="submit" class="row" name="institution" value={institution.id}>
      <LogoMark of={institution} />
      <span class="row-title">
        <Name of={institution.name} />{' '}
        {institution.tag === undefined ? null : <Tag>{institution.tag}</Tag>}
      </span>
      <span class="row-chevron">
        <Icon name="chevron" />
      </span>
    </button>
  );
}

function describeResults(shown: number, total: number, query: string | undefined): string {
  const about = query ? ` for “${displayName(query, 40)}”` : '';
  if (total === 0) return `No bank found${about}.`;
  if (shown < total)
    return `Showing ${shown} of ${total} banks${about}. Search to narrow the list.`;
  return `${total} ${total === 1 ? 'bank' : 'banks'}${about}.`;
}
