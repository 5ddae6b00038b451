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
          redirect_uris: [redirectUri],
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
      ],
    });

    const message = await start.then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(message).toContain('3 mistakes');
    expect(message).toMatch(/clients\.0 \(weak\): token_endpoint_auth_method must be one of/);
    expect(message).toMatch(
      /clients\.1 \(misspelt\): profile must be one of fapi2-security, identity-service/,
    );
    expect(message).toMatch(/clients\.2 \(plain\): redirect_uris must use https/);
    expect(message).not.toContain(secret);
  });
});
