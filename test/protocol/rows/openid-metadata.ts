import { expect } from '@jest/globals';
import { z } from 'zod';
import type { OpenidRun } from '../support/relying-party.js';

const https = z.url({ protocol: /^https$/ });
const listWith = (...names: readonly string[]) =>
  z.array(z.string()).refine((list) => names.every((name) => list.includes(name)), names.join(' '));
const listWithout = (...names: readonly string[]) =>
  z.array(z.string()).refine((list) => names.every((name) => !list.includes(name)));

/** OpenID Connect Discovery §3, with what is required of a provider with dynamic clients (Core §15.2). */
const metadataSchema = z.looseObject({
  issuer: https,
  authorization_endpoint: https,
  token_endpoint: https,
  userinfo_endpoint: https,
  jwks_uri: https,
  registration_endpoint: https,
  end_session_endpoint: https,
  scopes_supported: listWith('openid', 'profile', 'email', 'address', 'phone', 'offline_access'),
  response_types_supported: listWith('code', 'id_token', 'id_token token').pipe(
    listWith('code id_token', 'code token', 'code id_token token'),
  ),
  response_modes_supported: listWith('query', 'fragment', 'form_post'),
  grant_types_supported: listWith('authorization_code', 'implicit', 'refresh_token'),
  subject_types_supported: listWith('public', 'pairwise'),
  // Discovery §3: RS256 has to be there. What has no signature is not offered.
  id_token_signing_alg_values_supported: listWith('RS256').pipe(listWithout('none')),
  userinfo_signing_alg_values_supported: listWith('RS256').pipe(listWithout('none')),
  request_object_signing_alg_values_supported: listWith('RS256').pipe(listWithout('none')),
  token_endpoint_auth_methods_supported: listWith(
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
  ).pipe(listWithout('none')),
  claims_supported: listWith('sub', 'name', 'email', 'address', 'phone_number', 'auth_time'),
  claims_parameter_supported: z.literal(true),
  request_parameter_supported: z.literal(true),
  request_uri_parameter_supported: z.literal(false),
  code_challenge_methods_supported: z.tuple([z.literal('S256')]),
  backchannel_logout_supported: z.literal(true),
  backchannel_logout_session_supported: z.literal(true),
  frontchannel_logout_supported: z.literal(true),
  frontchannel_logout_session_supported: z.literal(true),
  // OpenID Connect Session Management.
  check_session_iframe: z.undefined().optional(),
});

/** What discovery says, and the keys that it leads to: public ones, each with a name of its own. */
export async function discovery({ bank }: OpenidRun): Promise<void> {
  const answer = await bank.fetch('/oidc/.well-known/openid-configuration');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  const metadata = metadataSchema.parse(await answer.json());
  expect(metadata.issuer).toBe(bank.issuer);
  const { keys } = Object(await (await bank.fetch(metadata.jwks_uri)).json());
  const names = keys.map(({ kid }: { kid: unknown }) => kid);
  expect(new Set(names).size).toBe(keys.length);
  for (const key of keys) {
    expect(key).toMatchObject({
      kid: expect.any(String),
      use: expect.stringMatching(/^(sig|enc)$/),
    });
    for (const secret of ['d', 'p', 'q', 'k']) expect(key).not.toHaveProperty(secret);
    // RFC 7515 Appendix C: base64url, without padding.
    expect(String(key.n ?? key.x)).toMatch(/^[\w-]+$/);
  }
}
