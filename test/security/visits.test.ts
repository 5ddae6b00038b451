import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { formOf, textOf, type VisitedPage, type Visitor } from './support/visitor.js';
import { claimsFor, startVisits, type Visits } from './support/visits.js';

let directory: string;
let visits: Visits;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-attacks-'));
  visits = await startVisits(directory);
});
afterAll(async () => {
  await visits?.stop();
  await rm(directory, { recursive: true, force: true });
});

const allowed = [['decision', 'allow']] as const;

/** Whether the client got its code. */
const isConnected = ({ url }: VisitedPage) =>
  url.href.startsWith(visits.redirectUri) && url.searchParams.has('code');

/** Expects a page that says no, and that nothing was said to the client. */
function expectRefused(page: VisitedPage, status = 400): void {
  expect({ status: page.status, text: textOf(page.html) }).toEqual({
    status,
    text: expect.stringMatching(/no longer valid|did not work|is over/),
  });
}

/** A person who shared their accounts. @returns the bank's answer, not yet brought to Assent. */
async function bringAnswer(visitor: Visitor): Promise<VisitedPage> {
  const accounts = await visits.goToAccounts(visitor, await visits.begin());
  return visits.share(visitor.stoppingAt(visits.urls.assent), accounts);
}

const csrfOf = (page: VisitedPage) =>
  formOf(page, '/consent').hidden.find(([name]) => name === 'csrf')?.[1] ?? '';

test('a request_uri bears a reload, and is over with its visit, in every browser (SEC-07)', async () => {
  const [person, another] = [visits.newVisitor(), visits.newVisitor()];
  const address = await visits.begin();
  await person.go(address);
  expect((await person.go(address)).status).toBe(200);
  const accounts = await visits.goToAccounts(person, address);
  expect(isConnected(await visits.share(person, accounts))).toBe(true);

  for (const visitor of [person, another]) {
    const { status, html } = await visitor.go(address);
    expect(status).toBe(400);
    expect(html).toContain('invalid_request_uri');
  }
});

test('one request_uri in two browsers at once connects once (SEC-07)', async () => {
  const address = await visits.begin();
  const [one, other] = [visits.newVisitor(), visits.newVisitor()];
  const accounts = [
    await visits.goToAccounts(one, address),
    await visits.goToAccounts(other, address),
  ] as const;
  const ends = await Promise.all([
    visits.share(one, accounts[0]),
    visits.share(other, accounts[1]),
  ]);
  expect(ends.filter(isConnected)).toHaveLength(1);
});

test('what the bank gave to the browser that came second is taken back there (SEC-07)', async () => {
  const address = await visits.begin();
  const [one, other] = [visits.newVisitor(), visits.newVisitor()];
  const first = await visits.goToAccounts(one, address);
  const second = await visits.goToAccounts(other, address);
  expect(isConnected(await visits.share(one, first))).toBe(true);
  const before = await accessesAtBank();
  expect(before).toBeGreaterThan(0);
  const { url } = await visits.share(other, second);
  expect(url.searchParams.get('error')).toBe('invalid_request_uri');
  expect(await accessesAtBank()).toBe(before);
});

/** How many the customer sees at their bank. */
async function accessesAtBank(): Promise<number> {
  const { login, password } = visits.person('joint');
  const visitor = visits.newVisitor();
  const page = await visitor.go(`${visits.urls.bank}/access`);
  const list = await visitor.submit(page, '/access/sign-in', [
    ['login', login],
    ['password', password],
  ]);
  return [...list.html.matchAll(/action="[^"]*\/end"/g)].length;
}

test('the page of another visit opens nothing, whatever cookies are forced upon it (SEC-19)', async () => {
  const [person, attacker] = [visits.newVisitor(), visits.newVisitor()];
  const page = await person.go(await visits.begin());
  await attacker.go(await visits.begin());
  const cookie = attacker.jar.map(({ name, value }) => `${name}=${value}`).join('; ');

  expectRefused(await attacker.go(page.url));
  expectRefused(await attacker.ask(page.url, { headers: { cookie } }));
});

test('a form that is not of our own page changes nothing (SEC-11)', async () => {
  const [person, attacker] = [visits.newVisitor(), visits.newVisitor()];
  const page = await person.go(await visits.begin());
  const own = csrfOf(await attacker.go(await visits.begin()));

  for (const csrf of [own, '', 'é']) {
    expectRefused(await person.submit(page, '/consent', [['csrf', csrf], ...allowed]), 403);
  }
  for (const headers of [
    { origin: 'https://elsewhere.example' },
    { origin: visits.urls.tpp },
    { origin: 'null', 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]) {
    expectRefused(await person.submit(page, '/consent', allowed, headers), 403);
  }
  expectRefused(await person.submit(page, '/consent', [...allowed, ['decision', 'deny']]));

  const fromOurPage = { origin: 'null', 'sec-fetch-site': 'same-origin' };
  const bank = await person.submit(page, '/consent', allowed, fromOurPage);
  expect(formOf(bank, '/login').hidden).not.toEqual([]);
});

test('the bank’s answer counts once, and in the browser that asked for it only (SEC-62)', async () => {
  const [person, another] = [visits.newVisitor(), visits.newVisitor()];
  const answer = await bringAnswer(person);
  expectRefused(await another.go(answer.url));

  const attempts = await Promise.all(Array.from({ length: 5 }, () => person.go(answer.url)));
  expect(new Set(attempts.filter(isConnected).map(({ url }) => url.href)).size).toBe(1);
  for (const refused of attempts.filter((page) => !isConnected(page))) expectRefused(refused);

  const resumed = person.answers.filter(({ url }) => url.pathname.startsWith('/oidc/auth/'));
  expect(resumed).not.toHaveLength(0);
  for (const { url } of [answer, ...resumed]) {
    expectRefused(await person.go(url));
    expectRefused(await another.go(url));
  }
});

test.each<[string, (query: URLSearchParams) => void]>([
  ['another issuer', (query) => query.set('iss', 'https://elsewhere.example')],
  ['no issuer', (query) => query.delete('iss')],
  ['a second code', (query) => query.append('code', 'another')],
])(
  'the bank’s answer with %s ends the visit, and the right one comes too late (SEC-01)',
  async (_what, change) => {
    const person = visits.newVisitor();
    const answer = await bringAnswer(person);
    const changed = new URL(answer.url);
    change(changed.searchParams);
    expectRefused(await person.go(changed));
    expectRefused(await person.go(answer.url));
  },
);

test('an answer with a state that nobody sent is of no visit (SEC-62)', async () => {
  const person = visits.newVisitor();
  const answer = await bringAnswer(person);
  const changed = new URL(answer.url);
  changed.searchParams.set('state', 'another');
  expectRefused(await person.go(changed), 404);
  expect(isConnected(await person.go(answer.url))).toBe(true);
});

test('the code of another visit at the bank connects nothing (SEC-02)', async () => {
  const [person, attacker] = [visits.newVisitor(), visits.newVisitor()];
  const [answer, stolen] = [await bringAnswer(person), await bringAnswer(attacker)];
  const injected = new URL(answer.url);
  injected.searchParams.set('code', stolen.url.searchParams.get('code') ?? '');
  const page = await person.go(injected);
  expect(isConnected(page)).toBe(false);
  expect(textOf(page.html)).toContain('Nothing was shared');
});

test('a code that is redeemed again ends what it gave (SEC-04)', async () => {
  const person = visits.newVisitor();
  const accounts = await visits.goToAccounts(person, await visits.begin());
  const returned = await visits.share(person, accounts);
  const first = await visits.redeem(returned);
  expect(first.status).toBe(200);
  expect(await visits.readAccounts(first.body.access_token)).toBe(200);

  expect(await visits.redeem(returned)).toMatchObject({
    status: 400,
    body: { error: 'invalid_grant' },
  });
  expect(await visits.readAccounts(first.body.access_token)).toBe(401);
  const refreshed = await visits.post('/oidc/token', {
    grant_type: 'refresh_token',
    refresh_token: String(first.body.refresh_token),
  });
  expect(refreshed).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

test('a user deleted in the middle of a visit gets no connection from it (SEC-43)', async () => {
  const { body } = await visits.post('/oidc/token', {
    grant_type: 'client_credentials',
    scope: 'user:create user:read user:delete',
  });
  const call = (method: string, path: string) =>
    visits.fetch(`${visits.urls.assent}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${body.access_token}`,
        'content-type': 'application/json',
      },
      ...(method === 'POST' && { body: '{}' }),
    });
  async function registerUser(): Promise<string> {
    return JSON.parse(await (await call('POST', '/users')).text()).userId;
  }

  const [atBank, beforeRedemption] = [await registerUser(), await registerUser()];
  const person = visits.newVisitor();
  const begun = await visits.begin({ claims: claimsFor(atBank) });
  const accounts = await visits.goToAccounts(person, begun);
  expect((await call('DELETE', `/users/${atBank}`)).status).toBe(204);
  expect(isConnected(await visits.share(person, accounts))).toBe(false);

  const other = visits.newVisitor();
  const address = await visits.begin({ claims: claimsFor(beforeRedemption) });
  const returned = await visits.share(other, await visits.goToAccounts(other, address));
  expect(isConnected(returned)).toBe(true);
  expect((await call('DELETE', `/users/${beforeRedemption}`)).status).toBe(204);
  expect(await visits.redeem(returned)).toMatchObject({
    status: 400,
    body: { error: 'invalid_grant' },
  });
  for (const userId of [atBank, beforeRedemption]) {
    expect((await call('GET', `/users/${userId}`)).status).toBe(404);
  }
});
