import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  backchannelLogoutPlan,
  frontchannelLogoutPlan,
  rpInitiatedLogoutPlan,
  sessionManagementPlan,
  thirdPartyLoginPlan,
  variantsOf,
  walkOpenid,
} from './plans/openid-connect.js';
import { type OpenidBank, startOpenidBank } from './support/openid-bank.js';

let bank: OpenidBank;
beforeAll(async () => {
  bank = await startOpenidBank();
}, 60_000);
afterAll(() => bank?.stop());

const types = ['code', 'id_token', 'code id_token'] as const;
const variants = variantsOf(types);

walkOpenid('OpenID Connect RP-initiated logout', rpInitiatedLogoutPlan, variants, () => bank);
walkOpenid('OpenID Connect back-channel logout', backchannelLogoutPlan, variants, () => bank);
walkOpenid('OpenID Connect front-channel logout', frontchannelLogoutPlan, variants, () => bank);
walkOpenid('OpenID Connect session management', sessionManagementPlan, variants, () => bank);
walkOpenid(
  'OpenID Connect third-party initiated login',
  thirdPartyLoginPlan,
  variantsOf(['code'], {}, ['dynamic']),
  () => bank,
);

test('the plans have as many modules as the public ones', () => {
  expect(
    [
      rpInitiatedLogoutPlan,
      backchannelLogoutPlan,
      frontchannelLogoutPlan,
      sessionManagementPlan,
      thirdPartyLoginPlan,
    ].map((plan) => plan.length),
  ).toEqual([11, 2, 2, 2, 2]);
});
