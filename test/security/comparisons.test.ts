import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { isSameSecret } from '../../core/is-same-secret.js';

/*
 * SEC-40: nothing that is secret is compared by an operator, which stops at the first difference. Codes,
 * tokens and references are looked up by an HMAC of them (`adapters/sealing/id-hash.ts`), everything else
 * goes through `timingSafeEqual`. That this takes the same time is Node's to keep: no test on a machine
 * that is shared can honestly tell.
 */

const root = join(import.meta.dirname, '../..');
const rooms = [
  'adapters',
  'api',
  'composition',
  'core',
  'http',
  'interactions',
  'provider',
  'resource',
];
const files = rooms.flatMap((room) => globSync(`${room}/**/*.{ts,tsx}`, { cwd: root })).sort();
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** How what nobody may learn by trying is named, at the end of either side. */
const secret = new RegExp(
  `(${[
    ...['secret', 'password', 'csrf', 'xsrf', 'accesstoken', 'refreshtoken', 'token', 'bearer'],
    ...['otp', 'usercode', 'user_code', 'authreqid', 'verifier', 'digest', 'signature', 'mac'],
  ].join('|')})$`,
  'i',
);
const comparison = /([\w.?![\]]+)\s*[!=]==?\s*([\w.?![\]]+|['"`])/g;
const plain = /^(undefined|null|true|false|['"`]|\d+)$/;

/** What looks like one and is none. */
const harmless = new Set([
  // Both are ours: whether a change of the client made a new one.
  'core/client-administration.ts: secret !== before?.value.client_secret',
  // Both are ours: whether another visit has answered the request.
  'interactions/interaction-session.ts: answeredBy !== csrf',
  // Two functions.
  'provider/middleware/assert-readable.ts: parse !== decodeToken',
]);

test('SEC-40: no secret is compared by an operator', () => {
  const found = files.flatMap((file) =>
    [...read(file).matchAll(comparison)]
      .filter(([, left = '', right = '']) => !plain.test(left) && !plain.test(right))
      .filter(([, left = '', right = '']) => secret.test(left) || secret.test(right))
      .map(([text]) => `${file}: ${text}`),
  );
  expect(found.filter((one) => !harmless.has(one))).toEqual([]);
});

test('SEC-40: forms, previous secrets and registration tokens are compared in constant time', () => {
  expect(files.filter((file) => /timingSafeEqual\(/.test(read(file)))).toEqual([
    'core/is-same-secret.ts',
    'resource/dpop-nonces.ts',
  ]);
  const users = files.filter((file) => /\bisSameSecret\(/.test(read(file)));
  expect(users).toEqual(
    expect.arrayContaining([
      'core/registration/initial-access-tokens.ts',
      'interactions/read-own-form.ts',
      'provider/previous-secret.ts',
    ]),
  );
});

test('SEC-40: the comparison says no more than yes or no, whatever it is given', () => {
  expect(isSameSecret('s', 's')).toBe(true);
  for (const given of ['', 't', 'S', 'ss', 's\0', 'x'.repeat(1_000_000), '\ud800', 'ſ']) {
    expect(isSameSecret(given, 's')).toBe(false);
  }
});
