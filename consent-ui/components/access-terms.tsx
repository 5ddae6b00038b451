import type { ComponentChildren } from 'preact';
import { formatDate, formatDateTime, formatDuration } from '../format-date.js';
import type { Party } from '../party.js';
import { Name } from './name.js';
import { SummaryList, type SummaryRow } from './summary-list.js';

/** Since when, until when, and how often a client may look. */
export interface AccessPeriod {
  readonly kind: 'one-time' | 'ongoing';
  /** Whether transactions are a part of it, as they are where nothing is said. */
  readonly reachesBack?: boolean | undefined;
  /** The oldest transaction the client may see; absent where there is no such limit. */
  readonly transactionFrom?: Date | undefined;
  /** Absent where there is no end by itself. */
  readonly expiresAt?: Date | undefined;
  readonly now: Date;
}

/** The terms of an access: what the page puts first, since when, until when, and how to stop it. */
export function AccessTerms({
  kind,
  reachesBack = true,
  transactionFrom,
  expiresAt,
  now,
  first = [],
  change,
  until = kind === 'one-time' ? 'One time, until' : 'Until',
  stop,
}: AccessPeriod & {
  readonly first?: readonly SummaryRow[];
  /** What the end is called. */
  readonly until?: string;
  /** How the end differs from what was agreed before. */
  readonly change?: string | undefined;
  readonly stop: ComponentChildren;
}) {
  const from = transactionFrom ? `From ${formatDate(transactionFrom)}` : 'All that your bank keeps';
  return (
    <SummaryList
      rows={[
        ...first,
        ...(reachesBack ? [{ term: 'How far back', description: from }] : []),
        {
          term: until,
          description: !expiresAt ? (
            <>
              <strong>You end it</strong>: there is no end date here
              <br />
              The app itself asks you again, as a rule every 90 days
            </>
          ) : (
            <>
              <strong>
                <time dateTime={expiresAt.toISOString()}>{formatDateTime(expiresAt)}</time>
              </strong>
              <br />
              That is {formatDuration(now, expiresAt)} from now
              {change === undefined ? null : `, ${change}`}
            </>
          ),
        },
        { term: 'How to stop', description: stop },
      ]}
    />
  );
}

/** How to stop an access that goes through us. */
export function HowToStop({
  app,
  institution,
  isHere,
}: {
  readonly app: Party;
  readonly institution: Party;
  /** Whether the bank has no page of its own, and what opens it is kept by us. */
  readonly isHere: boolean;
}) {
  return isHere ? (
    <>
      At any time: disconnect in <Name of={app.name} />. Assent then deletes what you entered
    </>
  ) : (
    <>
      At any time: disconnect in <Name of={app.name} />, or end the access at{' '}
      <Name of={institution.name} />
    </>
  );
}
