import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { Agent, fetch as undiciFetch } from 'undici';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { subjectOf } from '../../sandbox/certificate-authority.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { openBrowser } from '../e2e/open-browser.js';
import { openPerson, type Seen } from '../open-banking/support/start-bank.js';
import { eventually } from '../support/eventually.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { startTarget, type Target } from '../support/start-target.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
const redirectUri = 'https://app.example/callback';
const signedOutUri = 'https://app.example/signed-out';
const amelia = { login: 'amelia', password: 'harbour-lantern-42' };
const daniel = { login: 'daniel', password: 'copper-meadow-17' };
const clock = createMovingClock();

let bank: RunningAssent;
let application: Target;
let published: ReturnType<typeof createLocalJWKSet>;
let agent: Agent;

beforeAll(async () => {
  const ledger = createDemoLedger({ clock });
  const client = {
    profile: 'openid-connect',
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic' as const,
    grant_types: ['authorization_code', 'implicit', 'refresh_token'],
    response_types: [
      ...(['code', 'id_token', 'id_token token'] as const),
      ...(['code id_token', 'code token', 'code id_token token'] as const),
    ],
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [signedOutUri],
  };
  const certificates = await startAssent({});
  application = await startTarget(await certificates.authority.server('app'), (response) => {
    response.end();
  });
  bank = await startAssent(
    {
      role: 'bank',
      profiles: ['fapi2-security', 'openid-connect'],
      outgoing: {
        allow: [`localhost:${application.port}`],
        certificateAuthorities: [certificates.authority.certificate],
      },
      clients: [
        { ...client, client_id: 'app', client_name: 'Budget', initiate_login_uri: redirectUri },
        { ...client, client_id: 'second', token_endpoint_auth_method: 'client_secret_post' },
        {
          ...client,
          client_id: 'told',
          backchannel_logout_uri: `https://localhost:${application.port}/logout`,
          backchannel_logout_session_required: true,
        },
        {
          ...client,
          client_id: 'framed',
          frontchannel_logout_uri: 'https://app.example/frame',
          frontchannel_logout_session_required: true,
        },
        {
          ...client,
          client_id: 'live',
          redirect_uris: [`https://127.0.0.1:${application.port}/callback`],
          post_logout_redirect_uris: [`https://127.0.0.1:${application.port}/signed-out`],
          frontchannel_logout_uri: `https://127.0.0.1:${application.port}/frame`,
          frontchannel_logout_session_required: true,
        },
        {
          client_id: 'tpp',
          grant_types: ['authorization_code', 'client_credentials'],
          redirect_uris: [redirectUri],
          scope: 'openid accounts',
          token_endpoint_auth_method: 'tls_client_auth',
          tls_client_auth_subject_dn: subjectOf('tpp'),
          tls_client_certificate_bound_access_tokens: true,
        },
      ],
    },
    { ledger, clock },
  );
  await certificates.stop();
  agent = new Agent({ connect: { ca: await readFile(bank.authority.certificate, 'utf8') } });
  const answer = await bank.fetch('/oidc/certs');
  published = createLocalJWKSet((await answer.json()) as JSONWebKeySet);
});

afterAll(async () => {
  await agent.destroy();
  await application.stop();
  await bank.stop();
});

/** The client as its developer sets it up. */
async function configure(clientId = 'app'): Promise<openid.Configuration> {
  const send = (url: string, init: object) => undiciFetch(url, { ...init, dispatcher: agent });
  return openid.discovery(
    new URL(bank.issuer),
    clientId,
    { id_token_signed_response_alg: 'ES256', [openid.clockSkew]: 5 },
    clientId === 'second' ? openid.ClientSecretPost(secret) : openid.ClientSecretBasic(secret),
    { [openid.customFetch]: send as never },
  );
}

type Person = ReturnType<typeof openPerson>;

const authorizeUrl = (change: Record<string, string> = {}) =>
  `/oidc/auth?${new URLSearchParams({
    client_id: 'app',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    state: 's',
    nonce: 'n',
    ...change,
  })}`;

/** Signs in and agrees, as far as the bank asks. */
async function goThrough(person: Person, url: string, who = amelia): Promise<URL> {
  let page = await person.open(url);
  if (page.text.includes('name="password"')) page = await person.submit(page, 'login', who);
  if (page.text.includes('value="allow"')) {
    page = await person.submit(page, 'consent', { decision: 'allow' });
  }
  expect(page.text).toBe('');
  return page.url;
}

const answerOf = ({ search, hash: fragment }: URL) =>
  Object.fromEntries(new URLSearchParams(search || fragment.slice(1)));

const halfHash = (text: string) =>
  Buffer.from(hash('sha256', text, 'buffer').subarray(0, 16)).toString('base64url');

describe('basic', () => {
  test('an application signs a person in, and learns what the person allowed', async () => {
    const config = await configure();
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid profile email address phone',
      state: 's',
      nonce: 'n',
    });
    const returned = await goThrough(openPerson(bank), url.href);
    const tokens = await openid.authorizationCodeGrant(config, returned, {
      expectedNonce: 'n',
      expectedState: 's',
    });
    const claims = tokens.claims();
    expect(claims).toMatchObject({ iss: bank.issuer, aud: 'app', nonce: 'n' });
    expect(claims).not.toHaveProperty('email');
    expect(tokens).not.toHaveProperty('refresh_token');
    const info = await openid.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '');
    expect(info).toMatchObject({
      sub: claims?.sub,
      name: 'Amelia Hart',
      email: 'amelia@people.example',
      address: { country: 'GB' },
      phone_number: '+447700900142',
    });
  });

  test('with the form posted, the secret in the form, and a request that a browser posts', async () => {
    const config = await configure('second');
    const person = openPerson(bank);
    const form = Object.fromEntries(
      new URL(authorizeUrl({ client_id: 'second', response_mode: 'form_post' }), bank.issuer)
        .searchParams,
    );
    const login = await person.open('/oidc/auth', form);
    const consent = await person.submit(login, 'login', amelia);
    const posted = await person.submit(consent, 'consent', { decision: 'allow' });
    expect(posted.text).toContain(`action="${redirectUri}"`);
    const code = /name="code" value="([^"]+)"/.exec(posted.text)?.[1] ?? '';
    const callback = new URL(
      `${redirectUri}?${new URLSearchParams({ code, state: 's', iss: bank.issuer })}`,
    );
    const tokens = await openid.authorizationCodeGrant(config, callback, {
      expectedNonce: 'n',
      expectedState: 's',
    });
    expect(tokens.claims()?.sub).toBeDefined();
    const again = openid.authorizationCodeGrant(config, callback, {
      expectedNonce: 'n',
      expectedState: 's',
    });
    await expect(again).rejects.toMatchObject({ error: 'invalid_grant' });
    // The token of a code that was used twice is worth nothing any more.
    const info = await bank.fetch('/oidc/userinfo', {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(info.status).toBe(401);
  });

  test('a person who refuses sends the application away with access_denied', async () => {
    const person = openPerson(bank);
    const login = await person.open(authorizeUrl());
    const consent = await person.submit(login, 'login', amelia);
    expect(consent.text).toContain('Who you are');
    const { url } = await person.submit(consent, 'consent', { decision: 'refuse' });
    expect(answerOf(url)).toMatchObject({ error: 'access_denied', state: 's' });
    const left = await person.submit(
      await person.open(authorizeUrl({ prompt: 'login' })),
      'cancel',
    );
    expect(answerOf(left.url)).toMatchObject({ error: 'access_denied' });
  });

  test('offline_access keeps an application in when the person is gone, and nothing else does', async () => {
    const config = await configure();
    const url = authorizeUrl({ scope: 'openid offline_access', prompt: 'consent' });
    const tokens = await openid.authorizationCodeGrant(
      config,
      await goThrough(openPerson(bank), url),
      { expectedNonce: 'n', expectedState: 's' },
    );
    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(refreshed.claims()?.sub).toBe(tokens.claims()?.sub);
  });

  test('single claims are told where they are asked for, also of the ID token', async () => {
    const config = await configure();
    const claims = { userinfo: { email: { essential: true } }, id_token: { name: null } };
    const url = authorizeUrl({ scope: 'openid', claims: JSON.stringify(claims) });
    const tokens = await openid.authorizationCodeGrant(
      config,
      await goThrough(openPerson(bank), url),
      { expectedNonce: 'n', expectedState: 's' },
    );
    expect(tokens.claims()).toMatchObject({ name: 'Amelia Hart' });
    const info = await openid.fetchUserInfo(config, tokens.access_token, openid.skipSubjectCheck);
    expect(info).toMatchObject({ email: 'amelia@people.example' });
    expect(info).not.toHaveProperty('name');
  });

  test.each([
    ['another secret', { client_secret: 'wrong-secret-that-is-long-enough-too' }],
    ['no secret', {}],
  ])('a code is not redeemed with %s', async (_name, credentials) => {
    const returned = await goThrough(openPerson(bank), authorizeUrl({ client_id: 'second' }));
    const response = await bank.fetch('/oidc/token', {
      method: 'POST',
      body: new URLSearchParams({
        client_id: 'second',
        grant_type: 'authorization_code',
        redirect_uri: redirectUri,
        code: answerOf(returned).code ?? '',
        ...credentials,
      }),
    });
    expect(response.status).toBe(401);
  });
});

describe('implicit and hybrid', () => {
  test.each([
    ['id_token', []],
    ['id_token token', ['at_hash']],
    ['code id_token', ['c_hash']],
    ['code id_token token', ['at_hash', 'c_hash']],
  ])('%s comes back in the fragment with the hashes of what is beside it', async (type, hashes) => {
    const returned = await goThrough(openPerson(bank), authorizeUrl({ response_type: type }));
    expect(returned.search).toBe('');
    const answer = answerOf(returned);
    const { payload } = await jwtVerify(answer.id_token ?? '', published, { audience: 'app' });
    expect(payload).toMatchObject({ nonce: 'n', sub: expect.any(String) });
    expect(
      Object.keys(payload)
        .filter((name) => name.endsWith('_hash'))
        .sort(),
    ).toEqual(hashes);
    if (answer.code) expect(payload.c_hash).toBe(halfHash(answer.code));
    if (answer.access_token) expect(payload.at_hash).toBe(halfHash(answer.access_token));
    // Nothing else could tell what was asked for.
    expect('email' in payload).toBe(type === 'id_token');
  });

  test('code token leaves the ID token to the token endpoint', async () => {
    const returned = await goThrough(
      openPerson(bank),
      authorizeUrl({ response_type: 'code token' }),
    );
    const answer = answerOf(returned);
    expect(Object.keys(answer).sort()).toEqual(
      expect.arrayContaining(['access_token', 'code', 'token_type']),
    );
    expect(answer).not.toHaveProperty('id_token');
  });

  test('an ID token without a nonce is refused', async () => {
    const url = authorizeUrl({ response_type: 'id_token', nonce: '' }).replace('&nonce=', '');
    const { url: returned } = await openPerson(bank).open(url);
    expect(answerOf(returned).error).toBe('invalid_request');
  });
});

describe('a person who is signed in', () => {
  test('is not asked again, by no application, unless there is something new to allow', async () => {
    const person = openPerson(bank);
    await goThrough(person, authorizeUrl());
    const silent = await person.open(authorizeUrl({ prompt: 'none' }));
    expect(answerOf(silent.url).code).toBeDefined();
    const more = await person.open(authorizeUrl({ prompt: 'none', scope: 'openid phone' }));
    expect(answerOf(more.url).error).toBe('consent_required');
    const other = await person.open(authorizeUrl({ client_id: 'second' }));
    expect(other.text).not.toContain('name="password"');
    expect(other.text).toContain('value="allow"');
    const stranger = await openPerson(bank).open(authorizeUrl({ prompt: 'none' }));
    expect(answerOf(stranger.url).error).toBe('login_required');
  });

  test('signs in again for prompt=login and after max_age, and auth_time says so', async () => {
    const config = await configure();
    const person = openPerson(bank);
    const authTime = async (url: string) => {
      const returned = await goThrough(person, url);
      const { id_token } = await openid.authorizationCodeGrant(config, returned, {
        expectedNonce: 'n',
        expectedState: 's',
      });
      return Number(decodeJwt(id_token ?? '').auth_time);
    };
    const first = await authTime(authorizeUrl({ max_age: '10000' }));
    clock.advance(20);
    expect(await authTime(authorizeUrl({ max_age: '10000' }))).toBe(first);
    const page = await person.open(authorizeUrl({ max_age: '10' }));
    expect(page.text).toContain('name="password"');
    expect(await authTime(authorizeUrl({ max_age: '10' }))).toBeGreaterThan(first);
    expect((await person.open(authorizeUrl({ prompt: 'login' }))).text).toContain(
      'name="password"',
    );
  });

  test('must be the one whom an ID token names', async () => {
    const person = openPerson(bank);
    const { id_token } = answerOf(
      await goThrough(person, authorizeUrl({ response_type: 'id_token' })),
    );
    const hinted = authorizeUrl({ id_token_hint: id_token ?? '', prompt: 'none' });
    expect(answerOf((await person.open(hinted)).url).code).toBeDefined();
    const other = openPerson(bank);
    await goThrough(other, authorizeUrl(), daniel);
    expect(answerOf((await other.open(hinted)).url).error).toBe('login_required');
    const asked = authorizeUrl({ id_token_hint: id_token ?? '' });
    const { url } = await other.submit(await other.open(asked), 'login', daniel);
    expect(answerOf(url)).toMatchObject({ error: 'login_required', state: 's' });
  });

  test('may be hinted at, wished strongly authenticated, and told in what language', async () => {
    const wishes = { acr_values: '1 2', ui_locales: 'de', display: 'popup', claims_locales: 'de' };
    const person = openPerson(bank);
    const page = await person.open(authorizeUrl({ login_hint: 'amelia', ...wishes }));
    expect(page.text).toMatch(/name="login"[^>]*value="amelia"/);
    expect(answerOf(await goThrough(person, authorizeUrl(wishes))).code).toBeDefined();
  });

  test('meets nobody’s session at a bank’s other clients, and brings none from there', async () => {
    const person = openPerson(bank);
    await goThrough(person, authorizeUrl());
    const tpp = bank.fetcher(await bank.authority.client('tpp'));
    const pushed = await tpp(`${bank.configuration.mtlsUrl}/oidc/request`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: 'tpp',
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: 'openid accounts',
        prompt: 'none',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      }),
    });
    const { request_uri } = (await pushed.json()) as { request_uri: string };
    const query = new URLSearchParams({ client_id: 'tpp', request_uri });
    const { url } = await person.open(`/oidc/auth?${query}`);
    expect(answerOf(url).error).toBe('consent_required');
    const still = await person.open(authorizeUrl({ prompt: 'none' }));
    expect(answerOf(still.url).code).toBeDefined();
  });
});

describe('what an application may not', () => {
  test.each([
    ['see accounts', { scope: 'openid accounts' }, 'invalid_scope'],
    ['name a resource', { resource: 'https://elsewhere.example/' }, 'invalid_target'],
    [
      'send a request by reference',
      { request_uri: 'https://app.example/r' },
      'request_uri_not_supported',
    ],
    ['register itself on the way', { registration: '{}' }, 'registration_not_supported'],
  ])('%s', async (_name, change, error) => {
    const { url } = await openPerson(bank).open(authorizeUrl(change));
    expect(answerOf(url).error).toBe(error);
  });

  test('call a bank’s API with what it has', async () => {
    const { access_token } = answerOf(
      await goThrough(openPerson(bank), authorizeUrl({ response_type: 'id_token token' })),
    );
    const response = await bank.fetch('/open-banking/v3.1/aisp/accounts', {
      headers: { authorization: `Bearer ${access_token}` },
    });
    expect(response.status).toBe(401);
  });

  test.each([
    ['accounts', { scope: 'openid accounts' }],
    ['a frame elsewhere', { frontchannel_logout_uri: 'https://elsewhere.example/' }],
    ['plain http', { redirect_uris: ['http://app.example/callback'] }],
  ])('be registered with %s', async (_name, change) => {
    const metadata = {
      client_id: 'new',
      profile: 'openid-connect',
      client_secret: secret,
      redirect_uris: [redirectUri],
    };
    await expect(bank.provider.Client.validate(metadata)).resolves.toBeUndefined();
    await expect(bank.provider.Client.validate({ ...metadata, ...change })).rejects.toMatchObject({
      error: expect.stringMatching(/^invalid_(client_metadata|redirect_uri)$/),
    });
  });
});

describe('the end of a session', () => {
  async function signOut(person: Person, page: Seen, form: Record<string, string>) {
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const action = /action="([^"]+)"/.exec(page.text)?.[1] ?? '';
    return person.open(action, { xsrf, ...form });
  }

  async function signedIn(clientId = 'app') {
    const person = openPerson(bank);
    const url = authorizeUrl({ client_id: clientId, response_type: 'id_token' });
    const { id_token: idToken = '' } = answerOf(await goThrough(person, url));
    return { person, idToken };
  }

  const endUrl = (query: Record<string, string>) =>
    `/oidc/session/end?${new URLSearchParams(query)}`;

  test('is asked for by an application, decided by the person, and leads back', async () => {
    const { person, idToken } = await signedIn();
    const config = await configure();
    const url = openid.buildEndSessionUrl(config, {
      post_logout_redirect_uri: signedOutUri,
      id_token_hint: idToken,
      state: 'bye',
    });
    const page = await person.open(url.href);
    expect(page.text).toContain('Budget');
    const { url: returned } = await signOut(person, page, { logout: 'yes' });
    expect(returned.href).toBe(`${signedOutUri}?state=bye`);
    const after = await person.open(authorizeUrl({ prompt: 'none' }));
    expect(answerOf(after.url).error).toBe('login_required');
  });

  test('ends what the session gave, without offline_access', async () => {
    const person = openPerson(bank);
    const { access_token } = answerOf(
      await goThrough(person, authorizeUrl({ response_type: 'id_token token' })),
    );
    const info = () =>
      bank.fetch('/oidc/userinfo', { headers: { authorization: `Bearer ${access_token}` } });
    expect((await info()).status).toBe(200);
    await signOut(person, await person.open('/oidc/session/end'), { logout: 'yes' });
    expect((await info()).status).toBe(401);
  });

  test('can be declined: the application is left, and the session stays', async () => {
    const { person, idToken } = await signedIn();
    const page = await person.open(endUrl({ id_token_hint: idToken }));
    const done = await signOut(person, page, {});
    expect(done.text).toContain('You are signed out');
    expect(done.text).toContain('Budget');
    expect(done.text).toContain(encodeURIComponent(bank.issuer));
    const after = await person.open(authorizeUrl({ client_id: 'second' }));
    expect(after.text).not.toContain('name="password"');
  });

  test('shows its own page at the end where no address is given, or asked by a posted form', async () => {
    const { person } = await signedIn();
    const page = await person.open('/oidc/session/end', { client_id: 'app' });
    const done = await signOut(person, page, { logout: 'yes' });
    expect(done.status).toBe(200);
    expect(done.text).toContain('You are signed out');
  });

  test('leads to no address that is not registered, and needs the page’s own form', async () => {
    const { person, idToken } = await signedIn();
    const foreign = { id_token_hint: idToken, post_logout_redirect_uri: 'https://evil.example/' };
    expect((await person.open(endUrl(foreign))).status).toBe(400);
    const forged = await person.open('/oidc/session/end/confirm', {
      logout: 'yes',
      xsrf: 'guessed',
    });
    expect(forged.status).toBe(400);
    const after = await person.open(authorizeUrl({ prompt: 'none' }));
    expect(answerOf(after.url).code).toBeDefined();
  });

  test('is told to the application’s server (Back-Channel Logout)', async () => {
    const { person, idToken } = await signedIn('told');
    await signOut(person, await person.open('/oidc/session/end'), { logout: 'yes' });
    const received = await eventually(() => {
      const told = application.received.filter(({ url }) => url === '/logout');
      expect(told).toHaveLength(1);
      return told[0];
    });
    const token = new URLSearchParams(received?.body).get('logout_token') ?? '';
    const { payload, protectedHeader } = await jwtVerify(token, published, {
      issuer: bank.issuer,
      audience: 'told',
    });
    expect(protectedHeader.typ).toBe('logout+jwt');
    expect(payload).toMatchObject({
      sid: decodeJwt(idToken).sid,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
    expect(payload).not.toHaveProperty('nonce');
  });

  test('is told to the application’s page in a frame (Front-Channel Logout), before the person goes on', async () => {
    const { person, idToken } = await signedIn('framed');
    const { sid } = decodeJwt(idToken);
    expect(sid).toEqual(expect.any(String));
    const query = { id_token_hint: idToken, post_logout_redirect_uri: signedOutUri };
    const page = await person.open(endUrl(query));
    const told = await signOut(person, page, { logout: 'yes' });
    const frame = new URL('https://app.example/frame');
    frame.search = new URLSearchParams({ iss: bank.issuer, sid: String(sid) }).toString();
    expect(told.text).toContain(`src="${frame.href.replaceAll('&', '&amp;')}"`);
    expect(told.text).toContain(`content="3;url=${signedOutUri}"`);
  });
});

test('in a real browser: signing in, and out through the frame of an application', async () => {
  const browser = await openBrowser();
  try {
    const page = await (await browser.newPerson()).newPage();
    const app = `https://127.0.0.1:${application.port}`;
    const url = authorizeUrl({
      client_id: 'live',
      redirect_uri: `${app}/callback`,
      response_type: 'id_token',
    });
    await page.goto(new URL(url, bank.issuer).href);
    await page.getByLabel('Login').fill(amelia.login);
    await page.getByLabel('Password').fill(amelia.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(`${app}/callback**`);
    const { id_token: hint = '' } = answerOf(new URL(page.url()));

    const query = new URLSearchParams({
      id_token_hint: hint,
      post_logout_redirect_uri: `${app}/signed-out`,
    });
    await page.goto(`${bank.issuer}/session/end?${query}`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${app}/signed-out`);
    const frames = application.received.filter(({ url: asked }) => asked?.startsWith('/frame'));
    expect(frames.map((frame) => new URL(frame.url ?? '', app).searchParams.get('sid'))).toEqual([
      decodeJwt(hint).sid,
    ]);
    // Nobody is signed in any more, which the library says without asking.
    await page.goto(`${bank.issuer}/session/end`);
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  } finally {
    await browser.close();
  }
}, 60_000);

test('discovery announces what is there', async () => {
  const response = await bank.fetch('/oidc/.well-known/openid-configuration');
  expect(await response.json()).toMatchObject({
    userinfo_endpoint: `${bank.issuer}/userinfo`,
    end_session_endpoint: `${bank.issuer}/session/end`,
    backchannel_logout_supported: true,
    frontchannel_logout_supported: true,
    response_types_supported: expect.arrayContaining(['code', 'id_token token', 'code token']),
    scopes_supported: expect.arrayContaining(['openid', 'profile', 'email', 'accounts']),
    claims_supported: expect.arrayContaining(['sub', 'name', 'email', 'phone_number']),
    token_endpoint_auth_methods_supported: expect.arrayContaining(['client_secret_post']),
  });
});
