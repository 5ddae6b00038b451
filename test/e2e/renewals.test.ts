import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import { type MoneyhubClient, startClientOf } from './moneyhub-client.js';
import { type OpenBrowser, openBrowser } from './open-browser.js';
import { catchCallback, personAt } from './person.js';
import { type RunningSandbox, startSandbox } from './start-sandbox.js';

/*
 * Reauth and reconsent (identity-service.md §4.3, 4.4) where something is at stake: consents that ended,
 * other people's logins and connections, people who leave or come twice.
 */

interface Connection {
  readonly id: string;
  readonly accountIds: readonly string[];
  readonly status: string;
  readonly expiresAt: string;
  readonly tppConsent: boolean;
}

const day = 86_400_000;
const answers = { state: 'state', nonce: 'nonce' };

let directory: string;
let sandbox: RunningSandbox;
let browser: OpenBrowser;
/** With its own consent screens, so that it can shorten a consent. */
let own: MoneyhubClient;
let hosted: MoneyhubClient;
let redirectUri: string;
let userId: string;
let connectionId: string;
/** What Assent asked the bank, as `METHOD path`. */
const calls: string[] = [];

function noteCall(message: unknown): void {
  const { request } = message as { request: { origin: string; method: string; path: string } };
  const { bank, bankMtls } = sandbox.urls;
  if (request.origin === bank || request.origin === bankMtls) {
    calls.push(`${request.method} ${request.path}`);
  }
}

const intentsRegistered = () =>
  calls.filter((call) => /^POST .*account-access-consents/.test(call)).length;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-renewals-'));
  sandbox = await startSandbox(directory);
  browser = await openBrowser();
  own = await startClient('identity-service-own-consent');
  hosted = await startClient('identity-service');
  subscribe('undici:request:create', noteCall);
  ({ userId } = await own.call<{ userId: string }>('registerUser', {}));
  connectionId = await connect({});
}, 90_000);

afterAll(async () => {
  unsubscribe('undici:request:create', noteCall);
  own?.stop();
  hosted?.stop();
  await browser?.close();
  await sandbox?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function startClient(name: 'identity-service' | 'identity-service-own-consent') {
  redirectUri = sandbox.client(name).redirect_uris[0] ?? '';
  return startClientOf(sandbox, name);
}

const amelia = () => sandbox.person('Three accounts');
const daniel = () => sandbox.person('joint account');

/** A person's whole visit in a browser of their own, and the addresses that it led to. */
async function visit(url: string, act: (page: Page) => Promise<void> = async () => {}) {
  const context = await browser.newPerson();
  const page = await context.newPage();
  const visited: string[] = [];
  page.on('request', (request) => visited.push(request.url()));
  const callback = await catchCallback(page, redirectUri);
  await page.goto(url);
  await act(page);
  const returned = await callback();
  const isAtBank = visited.some((to) => to.startsWith(sandbox.urls.bank));
  return { returned, isAtBank, page, visited };
}

async function redeem(client: MoneyhubClient, paramsFromCallback: object) {
  const tokens = await client.call<{ id_token: string; refresh_token?: string }>(
    'exchangeCodeForTokens',
    { paramsFromCallback, localParams: { ...answers, response_type: 'code' } },
  );
  return { ...tokens, claims: decodeJwt(tokens.id_token) };
}

async function connect(options: object): Promise<string> {
  const url = await own.call<string>('getAuthorizeUrlForCreatedUser', {
    ...answers,
    bankId: amelia().institution,
    userId,
    ...options,
  });
  const { returned } = await visit(url, async (page) => {
    const { signIn, shareAll } = personAt(page);
    await signIn(amelia());
    await shareAll();
  });
  return String((await redeem(own, returned)).claims['mh:con_id']);
}

async function connection(id = connectionId): Promise<Connection> {
  const { data } = await own.call<{ data: Connection[] }>('getUserConnections', { userId });
  const found = data.find((each) => each.id === id);
  if (!found) throw new Error('the connection is gone');
  return found;
}

/** When the data is in, and nothing more is asked of the bank. */
async function settled(id = connectionId) {
  for (let tries = 0; tries < 300; tries++) {
    const { data } = await own.call<{ data: { fetchStatus?: string }[] }>('getConnectionSyncs', {
      userId,
      connectionId: id,
    });
    if (data.every(({ fetchStatus }) => fetchStatus !== undefined)) return connection(id);
    await wait(100);
  }
  throw new Error('a sync did not end');
}

/** What the client's own screen may do: two hours before what it sends is what is kept. */
async function endInAMoment(): Promise<void> {
  const expiresAt = new Date(Date.now() + 7_200_000 + 6000).toISOString();
  await own.call('updateUserConnection', { userId, connectionId, expiresAt });
  await eventually(async () => {
    expect(await connection()).toMatchObject({ status: 'error', extendedStatus: 'expired' });
  });
}

const reconsentUrl = (options: object = {}) =>
  own.call<string>('getReconsentAuthorizeUrlForCreatedUser', {
    ...{ ...answers, userId, connectionId },
    ...options,
  });
const reauthUrl = (options: object = {}) =>
  own.call<string>('getReauthAuthorizeUrlForCreatedUser', {
    ...{ ...answers, userId, connectionId },
    ...options,
  });

describe('reconsent', () => {
  test.each(['before its end', 'after its end'])(
    '%s, on a page of ours and never at the bank',
    async (when) => {
      if (when === 'after its end') await endInAMoment();
      const before = await settled();
      const [registered, callsBefore] = [intentsRegistered(), calls.length];
      const { returned, isAtBank } = await visit(await reconsentUrl(), async (page) => {
        await page
          .getByRole('heading', { name: /^Keep sharing with .* until \d+ \w+ \d{4}\?$/ })
          .waitFor();
        await personAt(page).allow();
      });
      expect(isAtBank).toBe(false);
      if (when === 'before its end') expect(calls.slice(callsBefore)).toEqual([]);
      const { claims } = await redeem(own, returned);
      expect(claims).toMatchObject({ sub: userId, 'mh:con_id': connectionId });
      const after = await settled();
      expect(after).toMatchObject({ status: 'ok', tppConsent: true });
      expect(after.accountIds).toEqual(before.accountIds);
      expect(Date.parse(after.expiresAt)).toBeGreaterThan(Date.now() + 89.9 * day);
      expect(intentsRegistered()).toBe(registered);
    },
    120_000,
  );

  test('“Not now” changes nothing', async () => {
    const before = await settled();
    const { returned } = await visit(await reconsentUrl(), (page) => personAt(page).refuse());
    expect(returned).toMatchObject({
      error: 'access_denied',
      error_description: `The person did not renew now: their consent goes on until ${before.expiresAt}`,
      state: 'state',
    });
    expect(await connection()).toEqual(before);
  });

  test('to an end that is nearer says so, and ends the sharing earlier', async () => {
    const before = await settled();
    const nearer = new Date(Date.now() + 60 * day).toISOString();
    const { returned } = await visit(await reconsentUrl({ expiresAt: nearer }), async (page) => {
      await page
        .getByText(/sharing ends earlier than you agreed before: on .* 30 days before/)
        .waitFor();
      await personAt(page).allow();
    });
    await redeem(own, returned);
    expect(Date.parse(before.expiresAt)).toBeGreaterThan(Date.parse(nearer));
    expect((await connection()).expiresAt).toBe(nearer);
  });

  test('a page that is open twice is answered once', async () => {
    const context = await browser.newPerson();
    const [page, other] = [await context.newPage(), await context.newPage()];
    const callback = await catchCallback(page, redirectUri);
    await catchCallback(other, redirectUri);
    await page.goto(await reconsentUrl());
    await other.goto(page.url());
    await personAt(page).allow();
    const returned = await callback();
    await redeem(own, returned);
    const after = await connection();
    await personAt(other).allow();
    // The second tab is over, or hears of the same code again: it gives no second one.
    await other.waitForLoadState('networkidle');
    const code = new URL(other.url()).searchParams.get('code');
    expect([null, returned.code]).toContain(code);
    expect(await connection()).toEqual(after);
    await context.close();
  });
});

describe('reauth', () => {
  test('with another person’s login at the bank takes nothing over (SEC-19)', async () => {
    await endInAMoment();
    const before = await connection();
    const { returned } = await visit(await reauthUrl(), async (page) => {
      const { signIn, shareAll } = personAt(page);
      await signIn(daniel());
      await shareAll();
    });
    expect(returned).toMatchObject({ error: 'access_denied', state: 'state' });
    expect(await connection()).toEqual(before);
  });

  test('halfway left changes nothing', async () => {
    const before = await connection();
    const { returned } = await visit(await reauthUrl(), async (page) => {
      await personAt(page).signIn(amelia());
      await page.locator('button[name="decision"][value="refuse"]').click();
    });
    expect(returned).toMatchObject({ error: 'access_denied' });
    expect(await connection()).toEqual(before);
  });

  test('by the same person revives it, with all its ids, once', async () => {
    const before = await connection();
    const { returned, page, visited } = await visit(
      await reauthUrl({ enableAsync: true }),
      async (at) => {
        const { signIn, shareAll } = personAt(at);
        await signIn(amelia());
        await shareAll();
      },
    );
    const { claims } = await redeem(own, returned);
    expect(claims).toMatchObject({
      'mh:con_id': connectionId,
      'mh:sync': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const after = await settled();
    expect(after).toMatchObject({ id: connectionId, status: 'ok', tppConsent: true });
    expect(after.accountIds).toEqual(before.accountIds);
    expect(Date.parse(after.expiresAt)).toBeGreaterThan(Date.now() + 89 * day);

    const callback = visited.find((to) => to.startsWith(`${sandbox.urls.assent}/bank/callback`));
    await page.goto(callback ?? '');
    await page.getByRole('heading', { name: 'This page is no longer valid' }).waitFor();
    expect(await connection()).toEqual(after);
  });

  test('keeps what was issued for one-time access, and adds nothing to it', async () => {
    const scope = `openid offline_access id:${amelia().institution} accounts:read`;
    const first = await visit(
      await hosted.call<string>('getAuthorizeUrl', { ...answers, scope }),
      async (page) => {
        const { allow, signIn, shareAll } = personAt(page);
        await allow();
        await signIn(amelia());
        await shareAll();
      },
    );
    const { claims, refresh_token: refreshToken } = await redeem(hosted, first.returned);
    const url = await hosted.call<string>('getReauthAuthorizeUrlForCreatedUser', {
      ...answers,
      userId: claims.sub,
      connectionId: claims['mh:con_id'],
    });
    const second = await visit(url, async (page) => {
      const { allow, signIn, shareAll } = personAt(page);
      await page
        .getByRole('heading', { name: /^Sign in at .* again to keep .* connected$/ })
        .waitFor();
      await allow();
      await signIn(amelia());
      await shareAll();
    });
    await redeem(hosted, second.returned);
    const again = await hosted.call<{ access_token: string; scope: string }>('refreshTokens', {
      refreshToken,
    });
    expect(again.scope.split(' ')).toContain('accounts:read');
    expect(again.scope).not.toContain('reauth');
    const response = await sandbox.fetch(`${sandbox.tpp.api}/v3/accounts`, {
      headers: { authorization: `Bearer ${again.access_token}` },
    });
    expect(response.status).toBe(200);
  });
});

test('what may not be renewed ends at the client, and nowhere else', async () => {
  const short = await connect({ expirationDateTime: new Date(Date.now() + day).toISOString() });
  expect(await connection(short)).toMatchObject({ tppConsent: false });
  const stranger = await hosted.call<{ userId: string }>('registerUser', {});
  const methods = ['getReauthAuthorizeUrlForCreatedUser', 'getReconsentAuthorizeUrlForCreatedUser'];
  const urls = [
    reconsentUrl({ connectionId: short }),
    own.call<string>('getRefreshAuthorizeUrlForCreatedUser', { ...answers, userId, connectionId }),
    reconsentUrl({ expiresAt: new Date(Date.now() + 91 * day).toISOString() }),
    reauthUrl({ userId: 'f'.repeat(24) }),
    ...methods.flatMap((method) => [
      hosted.call<string>(method, { ...answers, userId, connectionId }),
      hosted.call<string>(method, { ...answers, userId: stranger.userId, connectionId }),
    ]),
  ];
  for (const url of await Promise.all(urls)) {
    const { returned, isAtBank, page } = await visit(url);
    expect(returned).toMatchObject({
      error: 'invalid_claims',
      state: 'state',
      iss: sandbox.tpp.issuer,
    });
    expect(isAtBank).toBe(false);
    await page.context().close();
  }
});
