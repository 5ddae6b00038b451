import { currencyExponent } from '../core/currency-exponent.js';

/** An amount in minor units of its currency: `{ minorUnits: -1234, currency: 'GBP' }` is −£12.34. */
export interface Money {
  readonly minorUnits: number;
  /** ISO 4217. */
  readonly currency: string;
}

/** "£1,234.50", "−€3.00"; a currency that ISO 4217 does not know is shown by its code. */
export function formatMoney({ minorUnits, currency }: Money): string {
  const code = /^[A-Z]{3}$/.test(currency) ? currency : 'XXX';
  const digits = currencyExponent(code);
  const format = new Intl.NumberFormat('en-GB', {
    style: 'currency',
    currency: code,
    // Of some currencies, CLDR knows others than ISO 4217: HUF 100.00 would be shown as HUF 10,000.
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  // A true minus sign, which a hyphen at the start of a column is not.
  return format.format(minorUnits / 10 ** digits).replace('-', '\u2212');
}
