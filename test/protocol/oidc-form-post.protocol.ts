import { afterAll, beforeAll } from '@jest/globals';
import { corePlan, variantsOf, walkOpenid } from './plans/openid-connect.js';
import { type OpenidBank, startOpenidBank } from './support/openid-bank.js';

let bank: OpenidBank;
beforeAll(async () => {
  bank = await startOpenidBank();
}, 60_000);
afterAll(() => bank?.stop());

const posted = { formPost: true };

walkOpenid('OpenID Connect form post basic', corePlan, variantsOf(['code'], posted), () => bank);
walkOpenid(
  'OpenID Connect form post implicit',
  corePlan,
  variantsOf(['id_token', 'id_token token'], posted),
  () => bank,
);
walkOpenid(
  'OpenID Connect form post hybrid',
  corePlan,
  variantsOf(['code id_token', 'code token', 'code id_token token'], posted),
  () => bank,
);
