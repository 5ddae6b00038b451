import { displayName } from '../../consent-ui/display-name.js';
import { formatDetailValue } from '../../consent-ui/format-detail-value.js';
import { detailTypeOf } from '../../core/authorization-details/detail-types.js';
import type { Asked } from './asked.js';

/** What a code that is sent will allow, payments with payee and amount (PSD2 RTS art. 5). */
export function describePurpose(asked: Asked, client: string): string {
  if (asked.kind === 'identity') return `It signs you in to ${displayName(client)}.`;
  const wishes =
    asked.kind !== 'details'
      ? ['to see data from your accounts']
      : asked.details.map((detail) => {
          const { title, rows, choose } = detailTypeOf(detail).describe(detail);
          if (choose === 'several') return title;
          const values = rows.map(({ value }) => displayName(formatDetailValue(value), 140));
          return `${title} (${values.join(', ')})`;
        });
  return `It signs you in, for ${displayName(client)} to ask ${wishes.join(', and ')}.`;
}
