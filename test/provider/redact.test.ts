import { expect, test } from '@jest/globals';
import { redact } from '../../provider/explain/describe-input.js';

test.each([
  ['a token with a number in it', 'code AbCdEfGhIjKlMnOpQrSt123456UvWxYzAbCdEfGhIjK', 'code …'],
  ['a token that ends in a number', 'AbCdEfGhIjKlMnOpQrStUv123456 is unknown', '… is unknown'],
  ['a JWT', 'got eyJhbGciOiJub25lIn0.eyJzdWIiOiJqYW5lIiwiaWF0IjoxNzk1MjUzNDYwfQ.', 'got …'],
  ['a request_uri', `urn:ietf:params:oauth:request_uri:${'aB3-_'.repeat(9)}`, /request_uri:…$/],
  ['an account number', 'account 12345678 is unknown', 'account … is unknown'],
  ['an address', 'login_hint jane.doe@example.com', 'login_hint …'],
])('of a text nothing is told that is secret or somebody’s: %s', (_what, text, told) => {
  if (typeof told === 'string') expect(redact(text)).toBe(told);
  else expect(redact(text)).toMatch(told);
});

test.each([
  'the provided authentication mechanism does not match',
  'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  'require_pushed_authorization_requests',
])('words stay as they are: %s', (text) => {
  expect(redact(text)).toBe(text);
});
