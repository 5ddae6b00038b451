import { expect, test } from '@jest/globals';
import { fapi1AdvancedPlan } from './plans/fapi1-advanced.js';
import { combine, consumerDataRight, fapi1 } from './support/variant.js';
import { count, walk } from './support/walk.js';

const variants = combine(fapi1, {
  authentication: ['private_key_jwt', 'mtls'],
  transport: ['by_value', 'pushed'],
  response: ['plain', 'jarm'],
});

walk('FAPI 1.0 Advanced', fapi1AdvancedPlan, [
  ...variants,
  { ...fapi1, resource: 'userinfo' },
  { ...fapi1, resource: 'userinfo', transport: 'by_value', response: 'jarm' },
  { ...fapi1, ecosystem: 'openbanking_uk', transport: 'by_value' },
]);

const ofArrangements = combine(
  { ...fapi1, ...consumerDataRight, response: 'jarm' },
  { transport: ['by_value', 'pushed'] },
);

walk('FAPI 1.0 Advanced, Consumer Data Right', fapi1AdvancedPlan, ofArrangements, [
  'consumer-data-right-au',
]);

test('the plan has as many modules as the public one', () => {
  const counts = [...variants, ...ofArrangements].map((variant) =>
    count(fapi1AdvancedPlan, variant),
  );
  expect(counts).toEqual([45, 45, 63, 63, 36, 36, 49, 49, 45, 63]);
});
