import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningAssent, startAssent } from '../support/start-assent.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
const redirectUri = 'https://tpp.example/callback';

let assent: RunningAssent;

beforeAll(async () => {
  assent = await startAssent({
    clients: [
      {
        client_id: 'tpp',
        client_secret: secret,
        profile: 'identity-service',
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code'],
        redirect_uris: [redirectUri],
      },
    ],
  });
});

afterAll(() => assent.stop());

test('a person whose last redirect was lost gets it again by a reload', async () => {
  const query = new URLSearchParams({
    client_id: 'tpp',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid id:all',
    prompt: 'consent',
    state: 'the-state',
  });
  const started = await assent.fetch(`/oidc/auth?${query}`);
  const page = started.headers.get('location') ?? '';
  const cookie = started.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const chooser = await (await assent.fetch(page, { headers: { cookie } })).text();
  const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(chooser) ?? [];
  const cancel = () =>
    assent.fetch(`${page}/cancel`, {
      method: 'POST',
      headers: { cookie },
      body: new URLSearchParams({ csrf }),
    });
  const answered = await cancel();
  expect(answered.status).toBe(303);

  // The answer never arrived: the person reloads, or sends the form once more.
  for (const again of [await assent.fetch(page, { headers: { cookie } }), await cancel()]) {
    expect(again.status).toBe(303);
    expect(again.headers.get('location')).toBe(answered.headers.get('location'));
  }
  const back = await assent.fetch(answered.headers.get('location') ?? '', { headers: { cookie } });
  const returned = new URL(back.headers.get('location') ?? '');
  expect(Object.fromEntries(returned.searchParams)).toMatchObject({
    error: 'access_denied',
    state: 'the-state',
    iss: assent.issuer,
  });
  const over = await assent.fetch(page, { headers: { cookie } });
  expect(over.status).toBe(400);
});
