import type { ComponentChildren } from 'preact';

export interface SummaryRow {
  readonly term: string;
  readonly description: ComponentChildren;
}

/** Terms and what they are, one per row. */
export function SummaryList({ rows }: { readonly rows: readonly SummaryRow[] }) {
  return (
    <dl class="summary-list">
      {rows.map(({ term, description }) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{description}</dd>
        </div>
      ))}
    </dl>
  );
}
