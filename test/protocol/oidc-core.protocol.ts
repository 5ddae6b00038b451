import { afterAll, beforeAll, test } from '@jest/globals';
import {
  configPlan,
  corePlan,
  expectModules,
  variantsOf,
  walkOpenid,
} from './plans/openid-connect.js';
import { type OpenidBank, startOpenidBank } from './support/openid-bank.js';

let bank: OpenidBank;
beforeAll(async () => {
  bank = await startOpenidBank();
}, 60_000);
afterAll(() => bank?.stop());

const basic = variantsOf(['code']);
const implicit = variantsOf(['id_token', 'id_token token']);
const hybrid = variantsOf(['code id_token', 'code token', 'code id_token token']);

walkOpenid('OpenID Connect config', configPlan, variantsOf(['code'], {}, ['dynamic']), () => bank);
walkOpenid('OpenID Connect basic', corePlan, basic, () => bank);
walkOpenid('OpenID Connect implicit', corePlan, implicit, () => bank);
walkOpenid('OpenID Connect hybrid', corePlan, hybrid, () => bank);

test('the plans have as many modules as the public ones', () => {
  expectModules(corePlan, basic, [38, 35]);
  expectModules(corePlan, implicit, [58, 54]);
  expectModules(corePlan, hybrid, [102, 96]);
});
