import { expect, test } from '@jest/globals';
import { fapi2Plan } from './plans/fapi2.js';
import { combine, connectId, fapi2 } from './support/variant.js';
import { count, walk } from './support/walk.js';

const base = { ...fapi2, profile: 'fapi2-message-signing', request: 'signed' } as const;
const clients = {
  authentication: ['private_key_jwt', 'mtls'],
  constraint: ['dpop', 'mtls'],
  openid: [true, false],
} as const;
const signed = combine({ ...base, response: 'jarm' }, clients);

walk('FAPI 2.0 Message Signing', fapi2Plan, [
  ...signed,
  ...combine(base, clients),
  ...combine({ ...base, request: 'unsigned', response: 'jarm' }, clients),
  ...combine({ ...base, request: 'unsigned' }, clients),
  { ...base, asks: 'rar', response: 'jarm' },
  { ...base, resource: 'userinfo', response: 'jarm' },
  { ...base, ecosystem: 'openbanking_uk', constraint: 'mtls' },
]);

walk('FAPI 2.0 Message Signing, ConnectID', fapi2Plan, [connectId], ['connectid-au']);

test('the plan has as many modules as the public one', () => {
  expect(signed.map((variant) => count(fapi2Plan, variant))).toEqual([
    70, 64, 61, 55, 60, 54, 51, 45,
  ]);
  expect(count(fapi2Plan, connectId)).toBe(62);
});
