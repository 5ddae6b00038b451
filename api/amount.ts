import { z } from 'zod';
import { currencyExponent } from '../core/currency-exponent.js';

/** An amount as the published client knows it; `value` is in minor units (pence). */
export const amountSchema = z
  .object({
    value: z.int(),
    majorUnits: z.number(),
    minorUnits: z.int(),
    currency: z.string(),
  })
  .meta({ id: 'Amount' });

/** @param value minor units. @param currency ISO 4217. */
export function describeAmount(value: number, currency: string) {
  const majorUnits = value / 10 ** currencyExponent(currency);
  return { value, majorUnits, minorUnits: value, currency };
}
