import { describe, expect, test } from '@jest/globals';
import { parseConnectionRequest } from '../../core/connection-request.js';

const policy = { now: 0, oneTimeConsent: 86_400, ongoingConsent: 7_776_000 };
const existing = JSON.stringify({ id_token: { 'mh:con_id': { value: 'bank:connection' } } });

describe('a request for a connection', () => {
  test.each(['reauth', 'reconsent', 'refresh'])(
    '%s, complete as its client sends it, is refused for what it asks and not for its claims',
    (scope) => {
      expect(() => parseConnectionRequest(['openid', scope], existing, policy)).toThrow(
        expect.objectContaining({
          code: 'invalid_scope',
          message: 'only new connections are offered: request id:<bank>',
        }),
      );
    },
  );

  test('names no connection that exists already', () => {
    expect(() => parseConnectionRequest(['openid', 'id:all'], existing, policy)).toThrow(
      expect.objectContaining({ code: 'invalid_claims' }),
    );
  });
});
