import { hash } from 'node:crypto';
import { SignJWT } from 'jose';
import { identifyProof } from '../../adapters/oidc/replay-proof.js';

const assertion = await new SignJWT({ iss: 'client', jti: 'one' })
  .setProtectedHeader({ alg: 'HS256' })
  .sign(new Uint8Array(32));
const idOf = (issuer: string, jti: string) => hash('sha256', `${issuer}${jti}`, 'base64url');

function request({ dpop, body }: { dpop?: string; body?: Record<string, unknown> }) {
  return { get: (name: string) => (name === 'DPoP' ? (dpop ?? '') : ''), oidc: { body } };
}

test.each([
  ['a client assertion alone', request({ body: { client_assertion: assertion } }), 'one'],
  [
    'the assertion beside a DPoP proof',
    request({ dpop: 'p', body: { client_assertion: assertion } }),
    'one',
  ],
  ['no request at hand', undefined, 'one'],
])('takes the mark for a client assertion: %s', (_, ctx, jti) => {
  expect(identifyProof(idOf('client', jti), ctx)).toBe('client_assertion');
});

test.each([
  ['a DPoP proof alone', request({ dpop: 'p', body: { grant_type: 'x' } }), 'two'],
  ['a request without a body', request({ dpop: 'p' }), 'two'],
  [
    'the proof beside a client assertion',
    request({ dpop: 'p', body: { client_assertion: assertion } }),
    'two',
  ],
])('takes the mark for a DPoP proof: %s', (_, ctx, jti) => {
  expect(identifyProof(idOf('client', jti), ctx)).toBe('dpop');
});

const both = { client_assertion: 'garbage', assertion };

test.each([
  ['alone', request({ body: { assertion } }), 'assertion'],
  ['beside a DPoP proof', request({ dpop: 'p', body: both }), 'assertion'],
  ['of another request', request({ dpop: 'p', body: { assertion: 'garbage' } }), 'dpop'],
])('tells the assertion of a grant: %s', (_, ctx, proof) => {
  expect(identifyProof(idOf('client', 'one'), ctx)).toBe(proof);
});
