import { describe, expect, test } from '@jest/globals';
import { parseConnectionRequest } from '../../core/connection-request.js';
import { wantsAsyncSync } from '../../core/sync-claim.js';

const policy = { now: 0, oneTimeConsent: 86_400, ongoingConsent: 7_776_000 };
const userId = 'a'.repeat(24);

/** @param claims those of the ID token. */
function parse(scope: string, claims: object) {
  return parseConnectionRequest(['openid', scope], JSON.stringify({ id_token: claims }), policy);
}

describe('a request for a connection', () => {
  test.each(['reauth', 'reconsent', 'refresh'])('%s names the connection and its user', (scope) => {
    const named = { sub: { value: userId }, 'mh:con_id': { value: 'bank:connection' } };
    expect(parse(scope, named)).toEqual({
      purpose: scope,
      subject: userId,
      connectionId: 'bank:connection',
    });
    for (const member of ['sub', 'mh:con_id']) {
      expect(() => parse(scope, { ...named, [member]: null })).toThrow(
        expect.objectContaining({ code: 'invalid_claims' }),
      );
    }
  });

  test.each([
    [undefined, false],
    [{ essential: true }, false],
    [{ value: { enableAsync: false } }, false],
    [{ essential: true, value: { enableAsync: true } }, true],
  ])('mh:sync as %j is asynchronous: %s', (requested, isAsync) => {
    const claims = { 'mh:sync': requested };
    expect(() => parse('id:all', claims)).not.toThrow();
    expect(wantsAsyncSync({ id_token: claims })).toBe(isAsync);
  });

  test.each([{ value: { enableAsync: 'yes' } }, { value: true }])(
    'mh:sync as %j is refused',
    (requested) => {
      expect(() => parse('id:all', { 'mh:sync': requested })).toThrow(
        expect.objectContaining({
          code: 'invalid_claims',
          message: expect.stringContaining('mh:sync'),
        }),
      );
    },
  );

  test('names no connection that exists already', () => {
    expect(() => parse('id:all', { 'mh:con_id': { value: 'bank:connection' } })).toThrow(
      expect.objectContaining({ code: 'invalid_claims' }),
    );
  });

  test.each([
    ['ongoing, without an end', { sub: { value: userId } }, 90, true],
    [
      'ongoing, with an end',
      {
        sub: { value: userId },
        'mh:consent': { value: { expirationDateTime: '1970-02-01T00:00:00Z' } },
      },
      31,
      false,
    ],
    ['one time', {}, 1, false],
  ])('%s: how long, and who may extend it (§3.3)', (_what, claims, days, tppConsent) => {
    expect(parse('id:all', claims)).toMatchObject({
      expiresAt: new Date(days * 86_400_000),
      tppConsent,
    });
  });
});
