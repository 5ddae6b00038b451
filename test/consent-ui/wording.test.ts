import fc from 'fast-check';
import { displayName, showInvisible } from '../../consent-ui/display-name.js';
import { formatDateTime, formatDuration } from '../../consent-ui/format-date.js';
import { formatMoney } from '../../consent-ui/format-money.js';
import { maskAccountNumber } from '../../consent-ui/mask-account-number.js';
import { ownPath, webHref } from '../../consent-ui/safe-url.js';

describe('displayName', () => {
  it.each([
    ['Ledgerlight', 'Ledgerlight'],
    ['  Oak \n\t & Co ', 'Oak & Co'],
    ['abc\u202Edef\u2066', 'abcdef'],
    ['Pay\u200Bpal\uFEFF', 'Paypal'],
    ['بنك الشمال', 'بنك الشمال'],
    ['Z\u0301\u0301\u0301\u0301\u0301', 'Ź\u0301\u0301'],
    ['\u200B\u2800\u3164', '\u2800'],
    ['\u200B', 'Unnamed'],
    ['', 'Unnamed'],
  ])('shows %j as %j', (text, shown) => {
    expect(displayName(text)).toBe(shown);
  });

  it('cuts what is longer than its limit, by characters that a person sees', () => {
    expect(displayName('abcdef', 4)).toBe('abc…');
    expect(displayName('👍🏽👍🏽', 2)).toBe('👍🏽👍🏽');
  });

  it('gives short, visible, well-formed text for any input', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const shown = displayName(text, 20);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
        expect(shown).not.toBe('');
        expect([...new Intl.Segmenter().segment(shown)].length).toBeLessThanOrEqual(20);
      }),
    );
  });

  it('leaves invisible characters readable for developers', () => {
    expect(showInvisible('a\u202Eb\nc')).toBe('a\\u{202e}b\nc');
  });
});

describe('dates', () => {
  it.each([
    ['2026-11-21T09:30:00Z', '21 November 2026 at 09:30 UK time'],
    ['2026-07-01T23:30:00Z', '2 July 2026 at 00:30 UK time'],
  ])('says %s as %s', (instant, said) => {
    expect(formatDateTime(new Date(instant))).toBe(said);
  });

  it.each([
    [1, '1 hour'],
    [24, '24 hours'],
    [48, '48 hours'],
    [90 * 24, '90 days'],
    [-5, '0 hours'],
  ])('says %d hours as %s', (hours, said) => {
    expect(formatDuration(new Date(0), new Date(hours * 3_600_000))).toBe(said);
  });
});

describe('money', () => {
  it.each([
    [123_450, 'GBP', '£1,234.50'],
    [-460, 'GBP', '−£4.60'],
    [1500, 'JPY', 'JP¥1,500'],
    // Of these, CLDR knows other decimals than ISO 4217.
    [123_450, 'HUF', 'HUF\u00a01,234.50'],
    [1500, 'IQD', 'IQD\u00a01.500'],
    [0, 'EUR', '€0.00'],
    [100, '<b>', '¤1.00'],
  ])('shows %d minor units of %s as %s', (minorUnits, currency, shown) => {
    expect(formatMoney({ minorUnits, currency })).toBe(shown);
  });
});

describe('account numbers', () => {
  it.each([
    ['20-11-43 31926819', '•••• 6819'],
    ['GB33 BUKB 2020 1555 5555 55', '•••• 5555'],
    ['', '••••'],
  ])('shows %s as %s', (number, shown) => {
    expect(maskAccountNumber(number).trim()).toBe(shown);
  });
});

describe('addresses from outside', () => {
  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'http:',
    '',
    '//evil.example',
    '/\t/evil.example',
    'java\nscript:alert(1)',
    '/\\evil.example',
  ])('does not link to %j', (href) => {
    expect(webHref(href)).toBeUndefined();
  });

  it.each(['https://app.example/done?x=1', 'http://127.0.0.1:3000/', '/accounts/a'])(
    'links to %s',
    (href) => {
      expect(webHref(href)).toBe(href);
    },
  );

  it('loads logos from our own origin only', () => {
    expect(ownPath('/logos/oak.svg')).toBe('/logos/oak.svg');
    expect(ownPath('https://cdn.example/oak.svg')).toBeUndefined();
  });
});
