import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

let assent: RunningAssent;

beforeAll(async () => {
  assent = await startAssent({
    signing: { algorithms: ['PS256', 'RS256'] },
    features: {
      ...{ hybridFlow: false, implicitFlow: false, encryption: false },
      ...{ introspection: false, revocation: false },
    },
  });
});

afterAll(() => assent.stop());

test('what the configuration switches off is neither announced nor there', async () => {
  const response = await assent.fetch('/oidc/.well-known/openid-configuration');
  const document = (await response.json()) as Record<string, unknown>;
  expect(document.response_types_supported).toEqual(['code']);
  expect(document.grant_types_supported).not.toContain('implicit');
  expect(document.id_token_signing_alg_values_supported).toEqual(['PS256', 'RS256']);
  expect(document).not.toHaveProperty('introspection_endpoint');
  expect(document).not.toHaveProperty('revocation_endpoint');
  expect(document).not.toHaveProperty('id_token_encryption_alg_values_supported');
  expect(Object.keys(document.mtls_endpoint_aliases as object)).toEqual([
    'token_endpoint',
    'pushed_authorization_request_endpoint',
  ]);
  const { keys } = (await (await assent.fetch('/oidc/certs')).json()) as {
    keys: { alg: string }[];
  };
  expect(keys.map(({ alg }) => alg)).toEqual(['PS256', 'RS256']);
  for (const path of ['/oidc/token/introspection', '/oidc/token/revocation']) {
    expect((await assent.fetch(path, { method: 'POST' })).status).toBe(404);
  }
});
