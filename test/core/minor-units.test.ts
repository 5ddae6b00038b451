import fc from 'fast-check';
import { formatMinorUnits, parseMinorUnits } from '../../core/minor-units.js';

const exponents = { JPY: 0, GBP: 2, HUF: 2, KWD: 3, CLF: 4 };
const currencies = fc.constantFrom<keyof typeof exponents>('JPY', 'GBP', 'HUF', 'KWD', 'CLF');

describe('parsing the amounts of a bank', () => {
  it('gives back every amount as it was written, to the last digit', () => {
    fc.assert(
      fc.property(currencies, fc.integer({ min: 0, max: 10 ** 13 - 1 }), (currency, minorUnits) => {
        const text = formatMinorUnits(minorUnits, currency);
        expect(text.split('.')[1]?.length ?? 0).toBe(exponents[currency]);
        expect(parseMinorUnits(text, currency)).toBe(minorUnits);
      }),
    );
  });

  it('does not mind zeros at the end, whatever the currency', () => {
    fc.assert(
      fc.property(
        currencies,
        fc.integer({ min: 0, max: 10 ** 9 }),
        fc.integer({ min: 1, max: 5 }),
        (currency, whole, zeros) => {
          const text = `${whole}.${'0'.repeat(zeros)}`;
          expect(parseMinorUnits(text, currency)).toBe(whole * 10 ** exponents[currency]);
        },
      ),
    );
  });

  it('never gives anything but a safe whole number of at least zero, or a RangeError', () => {
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^-?\d{0,15}\.?\d{0,7}$/),
      fc.double().map(String),
    );
    fc.assert(
      fc.property(text, currencies, (amount, currency) => {
        try {
          const minorUnits = parseMinorUnits(amount, currency);
          expect(Number.isSafeInteger(minorUnits) && minorUnits >= 0).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it.each([
    ['19.99', 'GBP', 1999],
    ['0.29', 'GBP', 29],
    ['1.1', 'GBP', 110],
    ['1.10000', 'GBP', 110],
    ['100', 'JPY', 100],
    ['9999999999999.99', 'GBP', 999999999999999],
  ])('reads %s %s as %d', (amount, currency, minorUnits) => {
    expect(parseMinorUnits(amount, currency)).toBe(minorUnits);
  });

  it.each([
    ['a fraction of a penny', '1.005', 'GBP'],
    ['a fraction of a yen', '1.5', 'JPY'],
    ['a sign', '-1.00', 'GBP'],
    ['an exponent', '1e3', 'GBP'],
    ['a comma', '1,00', 'GBP'],
    ['a line end', '1.00\n', 'GBP'],
    ['nothing', '', 'GBP'],
    ['more than a number holds exactly', '9999999999999.9999', 'CLF'],
  ])('refuses %s', (_what, amount, currency) => {
    expect(() => parseMinorUnits(amount, currency)).toThrow(RangeError);
  });
});
