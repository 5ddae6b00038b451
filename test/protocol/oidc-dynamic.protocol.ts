import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { dynamicPlan, variantsOf, walkOpenid } from './plans/openid-connect.js';
import { type OpenidBank, startOpenidBank } from './support/openid-bank.js';

let bank: OpenidBank;
beforeAll(async () => {
  bank = await startOpenidBank();
}, 60_000);
afterAll(() => bank?.stop());

const variants = variantsOf(
  ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'],
  { authentication: 'private_key_jwt' },
  ['dynamic'],
);

walkOpenid('OpenID Connect dynamic', dynamicPlan, variants, () => bank);

test('the plan has as many modules as the public one', () => {
  const count = (variant: (typeof variants)[number]) =>
    dynamicPlan.filter(({ applies }) => applies(variant)).length;
  expect(variants.map(count)).toEqual([23, 18, 19, 22, 23, 22]);
});
