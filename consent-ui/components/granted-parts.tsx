import type { DetailValue } from '../../core/authorization-details/detail-type.js';
import { displayName } from '../display-name.js';
import { formatDate } from '../format-date.js';
import { formatDetailValue } from '../format-detail-value.js';
import { maskAccountNumber } from '../mask-account-number.js';
import { Name } from './name.js';
import { SummaryList, type SummaryRow } from './summary-list.js';

/** One thing that somebody has agreed to. */
export interface GrantedPart {
  /** Goes on after `<the app> asks`. */
  readonly title: string;
  readonly accounts: readonly { readonly name: string; readonly number: string }[];
  /** What is seen of them, kind by kind. */
  readonly sees: readonly string[];
  readonly rows: readonly { readonly term: string; readonly value: DetailValue }[];
  /** Absent where there is no end by itself. */
  readonly until?: Date | undefined;
}

/** What somebody has agreed to, each part with its end. @param since what the day of it is called. */
export function GrantedParts({
  parts,
  since,
}: {
  readonly parts: readonly GrantedPart[];
  readonly since: { readonly term: string; readonly at: Date };
}) {
  const day = { term: since.term, description: <Day date={since.at} /> };
  return parts.map((part, index) => (
    // Parts have no names; two may be alike.
    <div key={index} class="stack">
      {parts.length === 1 ? null : <h3>{displayName(capitalise(part.title))}</h3>}
      <SummaryList rows={[...describePart(part), day, describeEnd(part.until)]} />
    </div>
  ));
}

function describePart({ accounts, sees, rows }: GrantedPart): readonly SummaryRow[] {
  return [
    ...rows.map(({ term, value }) => ({
      term,
      description: <Name of={formatDetailValue(value)} maxLength={140} />,
    })),
    {
      term: accounts.length === 1 ? 'Account' : 'Accounts',
      description: accounts.map(({ name, number }) => (
        <div key={number}>
          <Name of={name} /> <span class="number">{maskAccountNumber(number)}</span>
        </div>
      )),
    },
    ...(sees.length === 0
      ? []
      : [
          {
            term: 'It sees',
            description: sees.map((line) => <div key={line}>{displayName(line)}</div>),
          },
        ]),
  ];
}

/** The row of an end. */
export function describeEnd(until: Date | undefined): SummaryRow {
  return { term: 'Until', description: until ? <Day date={until} /> : 'You end it' };
}

/** A day, without the time. */
export function Day({ date }: { readonly date: Date }) {
  return <time dateTime={date.toISOString()}>{formatDate(date)}</time>;
}

/** As a heading or the beginning of a sentence. */
export function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
