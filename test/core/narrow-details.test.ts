import { describe, expect, test } from '@jest/globals';
import { narrowWithin } from '../../core/authorization-details/detail-types.js';

/* RFC 9396 §6.1: a token request gets no more of a detail than was granted, and what it asks for. */

const end = '2026-11-22T12:00:00.000Z';
const ends = { accounts: ['22289'], accessUntil: end };
const granted = {
  account_information: { type: 'account_information', actions: ['list_accounts'], ...ends },
  payment_initiation: {
    type: 'payment_initiation',
    actions: ['initiate', 'status'],
    instructedAmount: { currency: 'GBP', amount: '12.00' },
    creditorName: 'Corner Shop',
    creditorAccount: { sortCode: '204514', accountNumber: '40551298' },
    ...ends,
  },
};

describe.each(Object.values(granted))('$type', (detail) => {
  const narrow = (asked: object) => narrowWithin([detail], { ...detail, ...asked });

  test.each([
    ['an earlier end', '2026-11-21T12:00:00.000Z', '2026-11-21T12:00:00.000Z'],
    ['the same end', end, end],
    ['the same end, as it is written elsewhere', '2026-11-22T13:00:00+01:00', end],
    ['no end', undefined, end],
  ])('with %s', (_what, accessUntil, narrowed) => {
    const until = String(narrow({ accessUntil })?.accessUntil);
    expect(Date.parse(until)).toBe(Date.parse(narrowed));
  });

  test('with a later end is more than was granted', () => {
    expect(narrow({ accessUntil: '2026-11-22T12:00:01.000Z' })).toBeUndefined();
  });

  test('with other accounts is more than was granted', () => {
    expect(narrow({ accounts: ['22289', '80200112'] })).toBeUndefined();
  });
});
