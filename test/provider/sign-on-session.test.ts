import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { z } from 'zod';
import { explanations } from '../../core/explanation.js';
import { createLogger } from '../../create-logger.js';
import { reportEvents } from '../../provider/log-events.js';
import { openBrowser } from '../e2e/open-browser.js';
import { openPerson, type Seen } from '../open-banking/support/start-bank.js';
import { eventually } from '../support/eventually.js';
import {
  amelia,
  answerOf,
  authorizeUrl,
  daniel,
  goThrough,
  type Person,
  redirectUri,
  type SignOnBank,
  secret,
  signedOutUri,
  startSignOnBank,
} from './support/start-sign-on-bank.js';

let signOn: SignOnBank;
let bank: SignOnBank['bank'];

beforeAll(async () => {
  signOn = await startSignOnBank();
  bank = signOn.bank;
});

afterAll(() => signOn.stop());

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
    const config = await signOn.configure();
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
    signOn.clock.advance(20);
    expect(await authTime(authorizeUrl({ max_age: '10000' }))).toBe(first);
    const page = await person.open(authorizeUrl({ max_age: '10' }));
    expect(page.text).toContain('name="password"');
    expect(await authTime(authorizeUrl({ max_age: '10' }))).toBeGreaterThan(first);
    expect((await person.open(authorizeUrl({ prompt: 'login' }))).text).toContain(
      'name="password"',
    );
  });

  const namings: [string, (idToken: string) => Record<string, string>][] = [
    ['an ID token', (idToken) => ({ id_token_hint: idToken })],
    [
      'the claim sub',
      (idToken) => {
        const sub = { value: decodeJwt(idToken).sub };
        return { claims: JSON.stringify({ id_token: { sub } }) };
      },
    ],
  ];
  test.each(
    namings.flatMap(([how, name]) =>
      ['app', 'pairwise'].map((client) => [how, client, name] as const),
    ),
  )('must be the one whom %s names, of the client %s', async (_how, client_id, name) => {
    const person = openPerson(bank);
    const { id_token = '' } = answerOf(
      await goThrough(person, authorizeUrl({ client_id, response_type: 'id_token' })),
    );
    const named = { client_id, ...name(id_token) };
    const silent = authorizeUrl({ ...named, prompt: 'none' });
    expect(answerOf((await person.open(silent)).url).code).toBeDefined();
    const anew = await goThrough(openPerson(bank), authorizeUrl(named));
    expect(answerOf(anew).code).toBeDefined();
    const other = openPerson(bank);
    await goThrough(other, authorizeUrl({ client_id }), daniel);
    expect(answerOf((await other.open(silent)).url).error).toBe('login_required');
    for (const browser of [other, openPerson(bank)]) {
      const login = await browser.open(authorizeUrl(named));
      const { url } = await browser.submit(login, 'login', daniel);
      expect(answerOf(url)).toMatchObject({ error: 'login_required', state: 's' });
    }
  });

  test('finishes a pushed request once, and a second click is led to where the first one leads', async () => {
    const pushed = await bank.fetch('/oidc/request', {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`app:${secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URL(authorizeUrl(), bank.issuer).search.slice(1),
    });
    const { request_uri } = z.object({ request_uri: z.string() }).parse(await pushed.json());
    const person = openPerson(bank);
    const login = await person.open(
      `/oidc/auth?${new URLSearchParams({ client_id: 'app', request_uri })}`,
    );
    const consent = await person.submit(login, 'login', amelia);
    const together = <Result>(click: () => Promise<Result>) =>
      Promise.all(Array.from({ length: 5 }, click));
    // The connections are open when the clicks come, which so come at once.
    await together(() => person.open(consent.url.href));
    const ends = await together(() => person.submit(consent, 'consent', { decision: 'allow' }));
    expect(ends.map(({ status }) => status)).not.toContain(500);
    expect(ends.filter(({ url }) => answerOf(url).code !== undefined)).toHaveLength(1);
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
    const config = await signOn.configure();
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

  test.each([
    ['origin', 'https://evil.example'],
    ['sec-fetch-site', 'cross-site'],
  ])('is confirmed by a form of ours alone, by its %s (SEC-11)', async (name, value) => {
    const { person } = await signedIn();
    const page = await person.open('/oidc/session/end');
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const confirm = '/oidc/session/end/confirm';
    const forged = await person.open(confirm, { logout: 'yes', xsrf }, { [name]: value });
    expect(forged.status).toBe(403);
    expect(answerOf((await person.open(authorizeUrl({ prompt: 'none' }))).url).code).toBeDefined();
    expect((await person.open(confirm, { logout: 'yes', xsrf }, { origin: 'null' })).status).toBe(
      200,
    );
  });

  test('is told to the application’s server (Back-Channel Logout), by a token of no other use (SEC-35)', async () => {
    const { person, idToken } = await signedIn('told');
    await signOut(person, await person.open('/oidc/session/end'), { logout: 'yes' });
    const received = await eventually(() => {
      const told = signOn.application.received.filter(({ url }) => url === '/logout');
      expect(told).toHaveLength(1);
      return told[0];
    });
    const token = new URLSearchParams(received?.body).get('logout_token') ?? '';
    const { payload, protectedHeader } = await jwtVerify(token, signOn.published, {
      issuer: bank.issuer,
      audience: 'told',
    });
    expect(protectedHeader.typ).toBe('logout+jwt');
    expect(payload).toMatchObject({
      sid: decodeJwt(idToken).sid,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
    expect(payload).not.toHaveProperty('nonce');
    // SEC-35: what is signed as that is nothing else.
    const asAccessToken = await bank.fetch('/oidc/userinfo', {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(asAccessToken.status).toBe(401);
  });

  test('that an application’s server does not take is signed out of, and logged', async () => {
    const lines: Record<string, unknown>[] = [];
    const logger = createLogger('warn', { write: (line) => void lines.push(JSON.parse(line)) });
    reportEvents(bank.provider, () => {}, logger);
    const { person } = await signedIn('away');
    const page = await signOut(person, await person.open('/oidc/session/end'), { logout: 'yes' });
    expect(page.status).toBe(200);
    expect(lines).toMatchObject([
      {
        msg: 'logout not delivered',
        clientId: 'away',
        traceId: expect.any(String),
        cause: { message: expect.any(String) },
      },
    ]);
    const silent = await person.open(authorizeUrl({ client_id: 'away', prompt: 'none' }));
    expect(answerOf(silent.url).error).toBe('login_required');
  });

  test('that is refused is explained to the application', async () => {
    const query = { client_id: 'app', post_logout_redirect_uri: 'https://app.example/elsewhere' };
    expect((await openPerson(bank).open(endUrl(query))).status).toBe(400);
    const told = await eventually(async () => {
      const find = { index: 'client', equals: 'app', limit: 100 };
      const { records } = await bank.storage.find(explanations, find);
      const [ended] = records.filter(({ value }) => value.endpoint === 'end_session');
      expect(ended).toBeDefined();
      return ended?.value.rules.at(-1);
    });
    expect(told).toMatchObject({
      rule: 'the post_logout_redirect_uri is registered',
      clause: 'OpenID Connect RP-Initiated Logout §3',
    });
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
    // WCAG 2.2.1: the person goes on, not the page by itself.
    expect(told.text).toContain(`href="${signedOutUri}"`);
    expect(told.text).not.toContain('http-equiv');
  });
});

test('in a real browser: signing in, and out through the frame of an application', async () => {
  const browser = await openBrowser();
  try {
    const page = await (await browser.newPerson()).newPage();
    const app = `https://127.0.0.1:${signOn.application.port}`;
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
    const told = page.waitForResponse((answer) => answer.url().startsWith(`${app}/frame`));
    await page.getByRole('button', { name: 'Sign out' }).click();
    await told;
    await page.getByRole('link', { name: 'Continue' }).click();
    await page.waitForURL(`${app}/signed-out`);
    const frames = signOn.application.received.filter(({ url: asked }) =>
      asked?.startsWith('/frame'),
    );
    expect(frames.map((frame) => new URL(frame.url ?? '', app).searchParams.get('sid'))).toEqual([
      decodeJwt(hint).sid,
    ]);
    // Nobody is signed in any more, which the library says without asking.
    await page.goto(`${bank.issuer}/session/end`);
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
  } finally {
    await browser.close();
  }
});
