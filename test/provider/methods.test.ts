import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../core/clock.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

let bank: RunningAssent;

beforeAll(async () => {
  const ledger = createDemoLedger({ clock: systemClock });
  const features = { introspection: false };
  bank = await startAssent({ role: 'bank', features }, { ledger });
});
afterAll(() => bank?.stop());

test.each(['GET', 'PUT', 'PATCH', 'DELETE'])(
  '%s of an endpoint that is posted to answers 405, and says so (RFC 9126 §2.3)',
  async (method) => {
    for (const path of ['request', 'token', 'token/revocation', 'backchannel']) {
      const answer = await bank.fetch(`/oidc/${path}`, { method });
      expect({
        path,
        status: answer.status,
        allow: answer.headers.get('allow'),
        body: await answer.json(),
      }).toMatchObject({ path, status: 405, allow: 'POST', body: { error: 'invalid_request' } });
    }
  },
);

test.each([
  ['PUT', 'auth', 'GET, HEAD, POST'],
  ['POST', 'certs', 'GET, HEAD'],
  ['DELETE', '.well-known/openid-configuration', 'GET, HEAD'],
  ['DELETE', 'userinfo', 'GET, HEAD, POST'],
])('%s of %s names %s', async (method, path, allow) => {
  const answer = await bank.fetch(`/oidc/${path}`, { method });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
});

test.each(['nothing', 'token/introspection', 'session/end'])(
  'what is not there, as %s here, has no methods',
  async (path) => {
    const answer = await bank.fetch(`/oidc/${path}`, { method: 'PUT' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([404, null]);
  },
);

test('what can be called is called', async () => {
  for (const method of ['GET', 'HEAD']) {
    expect((await bank.fetch('/oidc/certs', { method })).status).toBe(200);
  }
  expect((await bank.fetch('/oidc/request', { method: 'POST' })).status).toBe(400);
});
