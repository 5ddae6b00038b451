import type { ComponentChildren } from 'preact';
import { Card } from './card.js';
import { type GrantedPart, GrantedParts } from './granted-parts.js';

/** What somebody allowed a client before, where a request changes it. */
export interface EarlierYes {
  /** Whether it goes on beside what is allowed now, or ends with that. */
  readonly stays: boolean;
  /** When they agreed to it last. */
  readonly agreedAt: Date;
  readonly parts: readonly GrantedPart[];
}

/** What there is already: it cannot be unticked here where it stays, and is not forgotten where it ends. */
export function EarlierYesCard({
  stays,
  agreedAt,
  parts,
  app,
}: EarlierYes & { readonly app: ComponentChildren }) {
  return (
    <Card heading={stays ? <>What {app} has already</> : <>What you have allowed {app} so far</>}>
      <p>
        {stays
          ? 'This stays as it is. What you choose below is added to it.'
          : 'What you choose below takes the place of this. If you cancel, this stays as it is.'}
      </p>
      <GrantedParts parts={parts} since={{ term: 'Agreed', at: agreedAt }} />
    </Card>
  );
}
