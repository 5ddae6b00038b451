import { expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { createIntrospectedTokens } from '../../resource/introspected-tokens.js';

/* What issuers of any make may say of a token; only one that is certainly an access token is read. */

const live = { active: true, client_id: 'tpp', exp: 1_800_000_000, aud: 'https://api.example/' };
const jkt = 'a'.repeat(43);

function read(said: object) {
  const issuer = 'https://issuer.example';
  const introspection_endpoint = `${issuer}/introspection`;
  const configuration = new openid.Configuration(
    { issuer, introspection_endpoint },
    'api',
    {},
    openid.None(),
  );
  configuration[openid.customFetch] = async () => Response.json(said);
  return createIntrospectedTokens(configuration, live.aud).read('a-token');
}

test.each([
  ['without a key', { token_type: 'Bearer' }],
  ['in small letters', { token_type: 'bearer' }],
  ['bound to a certificate', { token_type: 'Bearer', cnf: { 'x5t#S256': jkt } }],
  ['bound to a key', { token_type: 'DPoP', cnf: { jkt } }],
  ['bound to a key, in small letters', { token_type: 'dpop', cnf: { jkt } }],
])('an access token is read: %s', async (_what, said) => {
  expect(await read({ ...live, ...said })).toMatchObject({ clientId: 'tpp' });
});

test.each([
  ['no type, as of a refresh token', {}],
  ['another type', { token_type: 'N_A' }],
  ['the type of a key, and no key', { token_type: 'DPoP' }],
  ['a key, and the type of none', { token_type: 'Bearer', cnf: { jkt } }],
])('anything else is no access token (RFC 7662 §2.2, RFC 9449 §6.2): %s', async (_what, said) => {
  expect(await read({ ...live, ...said })).toBeUndefined();
});
