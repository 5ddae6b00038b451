import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { Page } from 'playwright-core';
import { legacyInstitutionId } from '../../sandbox/sandbox-institutions.js';
import { type MoneyhubClient, startClientOf } from './moneyhub-client.js';
import { type OpenBrowser, openBrowser } from './open-browser.js';
import { catchCallback, personAt } from './person.js';
import { type RunningSandbox, startSandbox } from './start-sandbox.js';

/*
 * A bank without an API, from the first connection to a refresh and a reauth (identity-service.md
 * §4.3, 4.6): with the published client, a real browser and the bank's own pages.
 */

interface Connection {
  readonly id: string;
  readonly accountIds: readonly string[];
}

let directory: string;
let sandbox: RunningSandbox;
let browser: OpenBrowser;
let client: MoneyhubClient;
let redirectUri: string;
let userId: string;
let connectionId: string;

const signedRequest = { state: 'state', nonce: 'nonce' };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-legacy-'));
  sandbox = await startSandbox(directory);
  browser = await openBrowser();
  redirectUri = sandbox.client('identity-service').redirect_uris[0] ?? '';
  client = await startClientOf(sandbox, 'identity-service');
  ({ userId } = await client.call<{ userId: string }>('registerUser', {}));
});

afterAll(async () => {
  client?.stop();
  await browser?.close();
  await sandbox?.stop();
  await rm(directory, { recursive: true, force: true });
});

const amelia = () => sandbox.person('Three accounts');
const daniel = () => sandbox.person('joint account');

/** Reads the last code that the bank sent to the person's phone. */
async function codeOf({ login }: { readonly login: string }): Promise<string> {
  const phone = await sandbox.fetch(`${sandbox.urls.legacyBank}/phone`);
  const [, code = ''] =
    new RegExp(`id="code-of-${login}">(\\d{6})<`).exec(await phone.text()) ?? [];
  return code;
}

/** A person's whole visit in a browser, from the client's link back to the client. */
async function visit(url: string, act: (page: Page) => Promise<void>) {
  const context = await browser.newPerson();
  const page = await context.newPage();
  const callback = await catchCallback(page, redirectUri);
  await page.goto(url);
  await act(page);
  const returned = await callback();
  await context.close();
  return returned;
}

async function redeem(paramsFromCallback: object) {
  const { id_token } = await client.call<{ id_token: string }>('exchangeCodeForTokens', {
    paramsFromCallback,
    localParams: { ...signedRequest, response_type: 'code', sub: userId },
  });
  return decodeJwt(id_token);
}

async function connection(): Promise<Connection> {
  const { data } = await client.call<{ data: Connection[] }>('getUserConnections', { userId });
  const [only] = data;
  if (data.length !== 1 || !only) throw new Error(`the user has ${data.length} connections`);
  return only;
}

/** Orders a sync and waits for its end. */
async function synchronise(): Promise<unknown> {
  const { data } = await client.call<{ data: { syncId: string } }>('syncUserConnection', {
    userId,
    connectionId,
  });
  return settled(data.syncId);
}

async function settled(syncId: string): Promise<unknown> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const { data } = await client.call<{ data: { fetchStatus?: string } }>('getSync', {
      userId,
      syncId,
    });
    if (data.fetchStatus) return data;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the sync did not end');
}

/** Every sync of the connection, when the last one has ended. */
async function allSettled(): Promise<readonly unknown[]> {
  const { data } = await client.call<{ data: { id: string }[] }>('getConnectionSyncs', {
    userId,
    connectionId,
  });
  return Promise.all(data.map(({ id }) => settled(id)));
}

test('a person connects with user name, password and code, whatever goes wrong on the way', async () => {
  const url = await client.call<string>('getAuthorizeUrlForCreatedUser', {
    ...signedRequest,
    bankId: legacyInstitutionId,
    userId,
  });
  const returned = await visit(url, async (page) => {
    const { allow, enterLogin, enterCode } = personAt(page);
    expect(await page.textContent('main')).toContain('All that you see online at Old Mill Bank');
    expect(await page.textContent('footer')).not.toContain('never ask for your bank password');
    await allow();
    await page.getByText('Ledgerlight never sees it').waitFor();
    await page.reload();
    await enterLogin({ ...amelia(), password: 'not-the-password' });
    await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
    expect(await page.content()).not.toContain('not-the-password');
    expect(await page.title()).toMatch(/^Error: Sign in to Old Mill Bank/);

    const second = await page.context().newPage();
    await second.goto(page.url().replace(/\/credentials$/, ''));
    await enterLogin(amelia());
    await page.getByLabel('Code').waitFor();
    // The form of the step before, left open in the other tab, leads to where the person is.
    await personAt(second).enterLogin(amelia());
    await second.getByLabel('Code').waitFor();
    await second.close();

    await enterCode('abcdef');
    await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
    expect(await page.content()).not.toContain('abcdef');
    expect(await page.content()).not.toContain(amelia().password);
    await enterCode(await codeOf(amelia()));
  });
  const claims = await redeem(returned);
  connectionId = String(claims['mh:con_id']);
  expect(await connection()).toMatchObject({
    id: connectionId,
    name: 'Old Mill Bank',
    type: 'legacy',
    status: 'ok',
    error: null,
    tppConsent: false,
    useMfa: true,
  });
  const accounts = await client.call<{ data: unknown[] }>('getAccounts', { userId });
  expect(accounts.data).toHaveLength(3);
  const transactions = await client.call<{ data: unknown[] }>('getTransactions', {
    userId,
    params: { limit: 5 },
  });
  expect(transactions.data).toHaveLength(5);
  const list = await sandbox.fetch(`${sandbox.tpp.issuer}/.well-known/legacy-connections`);
  expect(await list.json()).toMatchObject([
    { id: legacyInstitutionId, type: 'legacy', name: 'Old Mill Bank' },
  ]);
});

test('what the person typed is nowhere in the store in clear', async () => {
  const files = (await readdir(directory)).filter((name) => /^assent\.db/.test(name));
  const stored = Buffer.concat(
    await Promise.all(files.map((name) => readFile(join(directory, name)))),
  );
  expect(stored.length).toBeGreaterThan(100_000);
  for (const secret of [amelia().password, 'not-the-password', 'old-mill-session']) {
    expect(stored.includes(secret)).toBe(false);
  }
});

test('when the bank wants a code again the sync says so, and a refresh mends it', async () => {
  expect(await allSettled()).toMatchObject([{ method: 'ADD', fetchStatus: 'success' }]);
  const before = await connection();
  await sandbox.fetch(`${sandbox.urls.legacyBank}/phone`, { method: 'POST' });
  expect(await synchronise()).toMatchObject({ fetchStatus: 'mfa-required' });
  expect(await connection()).toMatchObject({ status: 'error', error: 'mfa_required' });

  const url = await client.call<string>('getRefreshAuthorizeUrlForCreatedUser', {
    ...signedRequest,
    userId,
    connectionId,
  });
  const returned = await visit(url, async (page) => {
    const { allow, enterCode } = personAt(page);
    expect(await page.textContent('h1')).toMatch(
      /^Update your data from Old Mill Bank and share it until \d+ \w+ \d{4}$/,
    );
    await allow();
    await page.getByLabel('Code').waitFor();
    expect(await page.getByLabel('Password').count()).toBe(0);
    await enterCode(await codeOf(amelia()));
  });
  expect(await redeem(returned)).toMatchObject({ sub: userId, 'mh:con_id': connectionId });
  expect(await connection()).toMatchObject({
    id: connectionId,
    accountIds: before.accountIds,
    status: 'ok',
    error: null,
    tppConsent: false,
  });
  expect(await allSettled()).toEqual(
    expect.arrayContaining([expect.objectContaining({ method: 'UPDATE', fetchStatus: 'success' })]),
  );
});

test('only the same person authenticates again, and is asked for everything', async () => {
  const before = await connection();
  const reauth = () =>
    client.call<string>('getReauthAuthorizeUrlForCreatedUser', {
      ...signedRequest,
      userId,
      connectionId,
    });
  const other = await visit(await reauth(), async (page) => {
    await personAt(page).allow();
    await personAt(page).enterLogin(daniel());
  });
  expect(other).toMatchObject({ error: 'access_denied', state: 'state' });
  expect(await connection()).toEqual(before);

  const same = await visit(await reauth(), async (page) => {
    await personAt(page).allow();
    await personAt(page).enterLogin(amelia());
    await page.getByLabel('Code').waitFor();
    await personAt(page).enterCode(await codeOf(amelia()));
  });
  expect(await redeem(same)).toMatchObject({ 'mh:con_id': connectionId });
  expect(await connection()).toMatchObject({ accountIds: before.accountIds, status: 'ok' });
});

test('nobody guesses passwords without end, from however many visits', async () => {
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const url = await client.call<string>('getAuthorizeUrlForCreatedUser', {
      ...signedRequest,
      bankId: legacyInstitutionId,
      userId,
    });
    const returned = await visit(url, async (page) => {
      await personAt(page).allow();
      for (let guess = 1; guess <= 3; guess += 1) {
        await personAt(page).enterLogin({ ...daniel(), password: `guess ${attempt} ${guess}` });
        await page.getByRole('heading', { name: 'There is a problem' }).waitFor();
      }
      const tooMany = await page.getByText('Too many attempts').count();
      expect(tooMany > 0).toBe(attempt === 2);
      await page.getByRole('button', { name: /^Cancel and go back/ }).click();
    });
    expect(returned).toMatchObject({ error: 'access_denied' });
  }
});
