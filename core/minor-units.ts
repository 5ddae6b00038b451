import { currencyExponent } from './currency-exponent.js';

/**
 * An `OBActiveOrHistoricCurrencyAndAmount` in minor units, e.g. `12.5` GBP is 1250. Digits are moved
 * as text, so nothing is rounded.
 * @param amount `^\d{1,13}(\.\d{1,5})?$`; it has no sign, the indicator beside it says credit or debit.
 * @param currency ISO 4217.
 * @throws RangeError for text of another form, a fraction of a minor unit, or more than a number holds.
 */
export function parseMinorUnits(amount: string, currency: string): number {
  const [, whole, fraction = ''] = /^(\d{1,13})(?:\.(\d{1,5}))?$/.exec(amount) ?? [];
  if (whole === undefined) throw new RangeError('not an amount of the standard');
  const exponent = currencyExponent(currency);
  if (/[1-9]/.test(fraction.slice(exponent))) throw new RangeError('a fraction of a minor unit');
  const minorUnits = Number(whole + fraction.slice(0, exponent).padEnd(exponent, '0'));
  if (!Number.isSafeInteger(minorUnits)) throw new RangeError('an amount too large to be exact');
  return minorUnits;
}

/**
 * Minor units as the standard writes them, the inverse of {@link parseMinorUnits}: with all decimals that
 * the currency has.
 * @param minorUnits at least zero. @param currency ISO 4217.
 */
export function formatMinorUnits(minorUnits: number, currency: string): string {
  const exponent = currencyExponent(currency);
  const digits = String(minorUnits).padStart(exponent + 1, '0');
  if (exponent === 0) return digits;
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
