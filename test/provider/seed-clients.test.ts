import { describe, expect, test } from '@jest/globals';
import { startAssent } from '../support/start-assent.js';

const redirectUri = 'https://tpp.example/callback';

describe('clients of the configuration that break a rule', () => {
  test('are all named, with the rule and without their secrets, and nothing starts', async () => {
    const secret = 'a-secret-that-no-message-may-repeat';
    const start = startAssent({
      clients: [
        {
          client_id: 'weak',
          token_endpoint_auth_method: 'client_secret_basic',
          client_secret: secret,
          redirect_uris: ['http://tpp.example/callback'],
          response_types: ['code id_token'],
          grant_types: ['password'],
          jwks: { keys: [{ kty: 'oct', k: secret }] },
        },
        {
          client_id: 'misspelt',
          profile: 'identity-servce',
          token_endpoint_auth_method: 'client_secret_basic',
          client_secret: secret,
          redirect_uris: [redirectUri],
        },
        {
          client_id: 'plain',
          profile: 'identity-service',
          token_endpoint_auth_method: 'client_secret_basic',
          client_secret: secret,
          redirect_uris: ['http://tpp.example/callback'],
        },
        { client_id: 'misspelled', redirect_uri: redirectUri },
      ],
    });

    const message = await start.then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(message).toContain('14 mistakes');
    expect(message).toMatch(/clients\.0 \(weak\): token_endpoint_auth_method must be one of/);
    expect(message).toMatch(/clients\.0 \(weak\): response_types must be among code/);
    expect(message).toMatch(/clients\.0 \(weak\): redirect_uris\.0 must use https/);
    expect(message).toMatch(/clients\.0 \(weak\): tls_client_certificate_bound_access_tokens or/);
    expect(message).toMatch(/clients\.0 \(weak\): grant_types can only contain/);
    expect(message).toMatch(
      /clients\.0 \(weak\): jwks\.keys\.0\.k must not be there: only the public/,
    );
    expect(message).toMatch(/clients\.1 \(misspelt\): profile must be one of fapi2-security, /);
    expect(message).toMatch(/clients\.2 \(plain\): redirect_uris.0 must use https/);
    expect(message).toMatch(/clients\.3 \(misspelled\): redirect_uri is no member/);
    expect(message).not.toContain(secret);
  });
});
