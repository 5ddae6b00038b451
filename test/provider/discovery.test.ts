import { expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { startAssent } from '../support/start-assent.js';

/** What a bank announces (RFC 8414 §2), by its settings. */
async function announced(settings: object): Promise<Record<string, unknown>> {
  const ledger = createDemoLedger({ clock: systemClock });
  const bank = await startAssent({ role: 'bank', ...settings }, { ledger });
  const answer = await bank.fetch('/oidc/.well-known/openid-configuration');
  const metadata = Object(await answer.json());
  await bank.stop();
  return metadata;
}

test('a bank that people only sign in with announces nothing about accounts', async () => {
  const metadata = await announced({
    profiles: ['openid-connect'],
    resources: [
      { identifier: 'https://cards.bank.example/', name: 'Cards', scopes: { cards: 'See cards' } },
    ],
  });
  expect(metadata.scopes_supported).toEqual([
    ...['openid', 'offline_access', 'profile', 'email', 'address', 'phone'],
  ]);
  expect(metadata.claims_supported).not.toContain('openbanking_intent_id');
  for (const name of Object.keys({ ...metadata, ...Object(metadata.mtls_endpoint_aliases) })) {
    expect(name).not.toMatch(/^(authorization_details|backchannel_(auth|token|user)|grant_man)/);
  }
});

test('a FAPI bank announces no session, and backchannel requests as FAPI-CIBA has them', async () => {
  const metadata = await announced({});
  expect(metadata.scopes_supported).toEqual(expect.arrayContaining(['openid', 'accounts']));
  expect(metadata.scopes_supported).not.toContain('sid');
  expect(metadata.claims_supported).not.toContain('sid');
  expect(metadata.backchannel_authentication_request_signing_alg_values_supported).toEqual([
    ...['PS256', 'ES256'],
  ]);
  expect(metadata.request_object_signing_alg_values_supported).toContain('EdDSA');
});

test('a bank none of whose clients has fapi-ciba announces no backchannel requests', async () => {
  const metadata = await announced({ profiles: ['fapi2-security'] });
  expect(metadata.scopes_supported).toContain('accounts');
  expect(metadata).not.toHaveProperty('backchannel_authentication_endpoint');
  expect(metadata.mtls_endpoint_aliases).not.toHaveProperty('backchannel_authentication_endpoint');
  expect(metadata.grant_types_supported).not.toContain('urn:openid:params:grant-type:ciba');
});
