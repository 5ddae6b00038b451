import { expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { createIntrospectedTokens } from '../../resource/introspected-tokens.js';

/* What issuers of any make may say of a token; only one that is certainly an access token is read. */

const now = 1_790_000_000;
const live = { active: true, client_id: 'tpp', exp: now + 300, aud: 'https://api.example/' };
const jkt = 'a'.repeat(43);

function read(said: object) {
  const configuration = createConfiguration();
  configuration[openid.customFetch] = async () => Response.json(said);
  const tokens = createIntrospectedTokens(configuration, {
    audience: live.aud,
    now: () => now * 1000,
  });
  return tokens.read('a-token');
}

function createConfiguration(): openid.Configuration {
  const issuer = 'https://issuer.example';
  const introspection_endpoint = `${issuer}/introspection`;
  return new openid.Configuration({ issuer, introspection_endpoint }, 'api', {}, openid.None());
}

test.each([
  ['without a key', { token_type: 'Bearer' }],
  ['in small letters', { token_type: 'bearer' }],
  ['bound to a certificate', { token_type: 'Bearer', cnf: { 'x5t#S256': jkt } }],
  ['bound to a key', { token_type: 'DPoP', cnf: { jkt } }],
  ['bound to both', { token_type: 'DPoP', cnf: { jkt, 'x5t#S256': jkt } }],
  ['of this issuer', { token_type: 'Bearer', iss: 'https://issuer.example' }],
  ['by a clock that is ahead', { token_type: 'Bearer', nbf: now + 10, auth_time: now + 10 }],
  ['bound to a key, in small letters', { token_type: 'dpop', cnf: { jkt } }],
])('an access token is read: %s', async (_what, said) => {
  expect(await read({ ...live, ...said })).toMatchObject({ clientId: 'tpp' });
});

test.each([
  ['no type, as of a refresh token', {}],
  ['another type', { token_type: 'N_A' }],
  ['the type of a key, and no key', { token_type: 'DPoP' }],
  ['a key, and the type of none', { token_type: 'Bearer', cnf: { jkt } }],
  ['bound to nothing', { token_type: 'Bearer', cnf: {} }],
  ['bound to something else', { token_type: 'Bearer', cnf: { kid: 'x' } }],
  ['bound to something else, too', { token_type: 'DPoP', cnf: { jkt, kid: 'x' } }],
  ['another issuer', { token_type: 'Bearer', iss: 'https://other.example' }],
  ['not valid yet', { token_type: 'Bearer', nbf: now + 61 }],
  ['authenticated in the future', { token_type: 'Bearer', auth_time: now + 61 }],
  ['an end beyond all times', { token_type: 'Bearer', exp: 1e308 }],
])(
  'anything else is no access token (RFC 7662 §2.2, RFC 7800 §3.1, RFC 9449 §6.2): %s',
  async (_what, said) => {
    expect(await read({ ...live, ...said })).toBeUndefined();
  },
);

test('a silent issuer is waited for five seconds, whatever its timeout is for other things', async () => {
  async function expectOutage(timeout: number) {
    const configuration = createConfiguration();
    configuration.timeout = timeout;
    configuration[openid.customFetch] = () => new Promise(() => {});
    const causes: unknown[] = [];
    const tokens = createIntrospectedTokens(configuration, {
      onOutage: (cause) => causes.push(cause),
    });
    await expect(tokens.read('a-token')).rejects.toMatchObject({ status: 503 });
    expect(causes).toHaveLength(1);
    expect(configuration.timeout).toBe(timeout);
  }
  await Promise.all([expectOutage(0), expectOutage(30)]);
}, 15_000);
