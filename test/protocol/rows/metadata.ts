import { expect } from '@jest/globals';
import { z } from 'zod';
import type { Pair } from '../support/driver.js';
import type { ProtocolBank } from '../support/start-protocol-bank.js';

const https = z.url({ protocol: /^https$/ });
const algorithms = z.array(z.enum(['PS256', 'ES256', 'EdDSA', 'Ed25519'])).min(1);
const names = z.array(z.string().min(1)).min(1);

/** OpenID Connect Discovery 1.0 §3, RFC 8414 §2, and what the FAPI profiles add or forbid. */
const metadataSchema = z.looseObject({
  issuer: https,
  authorization_endpoint: https,
  token_endpoint: https,
  pushed_authorization_request_endpoint: https,
  jwks_uri: https,
  response_types_supported: names,
  response_modes_supported: names,
  grant_types_supported: names,
  subject_types_supported: names,
  scopes_supported: names,
  claims_supported: names,
  id_token_signing_alg_values_supported: algorithms,
  request_object_signing_alg_values_supported: algorithms,
  authorization_signing_alg_values_supported: algorithms,
  token_endpoint_auth_signing_alg_values_supported: algorithms,
  dpop_signing_alg_values_supported: algorithms,
  token_endpoint_auth_methods_supported: z.array(
    z.enum(['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth']),
  ),
  code_challenge_methods_supported: z.tuple([z.literal('S256')]),
  authorization_response_iss_parameter_supported: z.literal(true),
  tls_client_certificate_bound_access_tokens: z.literal(true),
  claims_parameter_supported: z.literal(true),
  mtls_endpoint_aliases: z.looseObject({
    token_endpoint: https,
    pushed_authorization_request_endpoint: https,
  }),
});

const publicMembers = {
  kid: z.string().min(1),
  use: z.enum(['sig', 'enc']),
  alg: z.string().min(1).optional(),
};
/** RFC 7517: public keys only, each with a name, a use and an algorithm. */
const keySetSchema = z.object({
  keys: z
    .array(
      z.discriminatedUnion('kty', [
        z.strictObject({
          ...publicMembers,
          kty: z.literal('RSA'),
          n: z.string().min(342),
          e: z.string(),
        }),
        z.strictObject({
          ...publicMembers,
          kty: z.literal('EC'),
          crv: z.literal('P-256'),
          x: z.string(),
          y: z.string(),
        }),
        z.strictObject({ ...publicMembers, kty: z.literal('OKP'), crv: z.string(), x: z.string() }),
      ]),
    )
    .min(1)
    // A key to encrypt to may be for several algorithms.
    .refine((keys) => keys.every(({ use, alg }) => use === 'enc' || alg !== undefined), 'an alg')
    .refine((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length, 'each kid once'),
});

/** What discovery says of a bank, checked against its schema, and the JWKS it leads to. */
export async function readMetadata(bank: ProtocolBank) {
  const answer = await bank.fetch('/oidc/.well-known/openid-configuration');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  const metadata = metadataSchema.parse(await answer.json());
  expect(metadata.issuer).toBe(bank.issuer);
  const published = await bank.fetch(metadata.jwks_uri);
  keySetSchema.parse(await published.json());
  return metadata;
}

export async function discovery({ first: { bank, variant } }: Pair) {
  const metadata = await readMetadata(bank);
  expect(metadata.token_endpoint_auth_methods_supported).toContain(
    variant.authentication === 'mtls' ? 'tls_client_auth' : 'private_key_jwt',
  );
  const isFapi1 = variant.profile === 'fapi1-advanced';
  expect(metadata.response_types_supported).toContain('code');
  // One client may push, and another send by value: only its own registration says so.
  if (isFapi1) expect(metadata.response_types_supported).toContain('code id_token');
  if (isFapi1) expect(metadata.require_pushed_authorization_requests).not.toBe(true);
  if (variant.response === 'jarm') expect(metadata.response_modes_supported).toContain('jwt');
  if (variant.openid) expect(metadata.scopes_supported).toContain('openid');
}
