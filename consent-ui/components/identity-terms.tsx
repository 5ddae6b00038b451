import type { ComponentChildren } from 'preact';
import { formatDateTime } from '../format-date.js';
import { Card } from './card.js';
import { HowToStopAtBank } from './how-to-stop-at-bank.js';
import { SummaryList } from './summary-list.js';

/** How long a client may ask who somebody is, and how to stop it. */
export function IdentityTerms({
  app,
  until,
}: {
  readonly app: ComponentChildren;
  readonly until: Date;
}) {
  return (
    <Card heading="The terms">
      <SummaryList
        rows={[
          {
            term: 'Until',
            description: (
              <>
                <strong>
                  <time dateTime={until.toISOString()}>{formatDateTime(until)}</time>
                </strong>
                <br />
                Then {app} has to ask you again
              </>
            ),
          },
          { term: 'How to stop', description: <HowToStopAtBank app={app} /> },
        ]}
      />
    </Card>
  );
}
