import { expect, test } from '@jest/globals';
import { isFromFuture } from '../../provider/clock-tolerance.js';
import { jwtTypeOf } from '../../provider/jwt-type.js';

/* What stands in a JWT is the client's, whatever kind of thing it is. */

const spoilt = { toString: 1, valueOf: 1 };

test.each([
  ['JWT', 'jwt'],
  ['application/JWT', 'jwt'],
  ['application/application/jwt', 'application/application/jwt'],
  [undefined, undefined],
  [7, 'none'],
  [spoilt, 'none'],
])('the typ %p is %p', (typ, type) => {
  expect(jwtTypeOf({ typ })).toBe(type);
});

test.each([
  [undefined, false],
  [1000, false],
  [1015, false],
  [1016, true],
  [Number.POSITIVE_INFINITY, true],
  ['1000', true],
  [spoilt, true],
])('made at %p, at a thousand seconds: from the future is %p', (iat, isFuture) => {
  expect(isFromFuture({ iat }, { now: () => 1_000_000 })).toBe(isFuture);
});
