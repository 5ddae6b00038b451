import { expect, test } from '@jest/globals';
import { fapi2Plan } from './plans/fapi2.js';
import { combine, consumerDataRight, fapi2 } from './support/variant.js';
import { count, walk } from './support/walk.js';

const variants = combine(fapi2, {
  authentication: ['private_key_jwt', 'mtls'],
  constraint: ['dpop', 'mtls'],
  openid: [true, false],
});

walk('FAPI 2.0 Security Profile', fapi2Plan, [
  ...variants,
  { ...fapi2, asks: 'rar' },
  { ...fapi2, asks: 'rar', constraint: 'mtls', openid: false },
  { ...fapi2, resource: 'userinfo' },
  { ...fapi2, resource: 'userinfo', constraint: 'mtls', authentication: 'mtls' },
  { ...fapi2, ecosystem: 'openbanking_uk', constraint: 'mtls' },
]);

const ofArrangements = { ...fapi2, ...consumerDataRight };

walk(
  'FAPI 2.0 Security Profile, Consumer Data Right',
  fapi2Plan,
  [ofArrangements],
  ['consumer-data-right-au'],
);

test('the plan has as many modules as the public one', () => {
  expect(variants.map((variant) => count(fapi2Plan, variant))).toEqual([
    56, 50, 47, 41, 46, 40, 37, 31,
  ]);
  expect(count(fapi2Plan, ofArrangements)).toBe(47);
});
