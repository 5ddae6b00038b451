import type { DetailValue } from '../core/authorization-details/detail-type.js';
import { formatDateTime } from './format-date.js';
import { formatMoney } from './format-money.js';

/** What a detail says in one line. Words that are the client's stay as they are. */
export function formatDetailValue(value: DetailValue): string {
  if (typeof value === 'string') return value;
  return 'at' in value ? formatDateTime(value.at) : formatMoney(value);
}
