import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AxeResults } from 'axe-core';
import { importJWK, type JWK, SignJWT } from 'jose';
import * as openid from 'openid-client';
import { Agent, fetch as undiciFetch } from 'undici';
import { type OpenBrowser, openBrowser } from '../e2e/open-browser.js';
import { type RunningSandbox, startSandbox } from '../e2e/start-sandbox.js';

interface CibaDocument {
  readonly issuer: string;
  readonly api: string;
  readonly ca: string;
  readonly approvals: string;
  readonly decide: string;
  readonly client: {
    readonly client_id: string;
    readonly jwks: { readonly keys: readonly JWK[] };
    readonly certificate: string;
    readonly key: string;
  };
}

let directory: string;
let sandbox: RunningSandbox;
let browser: OpenBrowser;
let document: CibaDocument;
let agent: Agent;
let config: openid.Configuration;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-ciba-e2e-'));
  sandbox = await startSandbox(directory);
  browser = await openBrowser();
  document = JSON.parse(await readFile(join(directory, 'ciba.json'), 'utf8'));
  const { client, ca } = document;
  const [ca_, cert, key] = await Promise.all(
    [ca, client.certificate, client.key].map((path) => readFile(path, 'utf8')),
  );
  agent = new Agent({ connect: { ca: ca_ ?? '', cert: cert ?? '', key: key ?? '' } });
  config = await openid.discovery(
    new URL(document.issuer),
    client.client_id,
    { use_mtls_endpoint_aliases: true, id_token_signed_response_alg: 'PS256' },
    openid.PrivateKeyJwt(await signingKey()),
    { [openid.customFetch]: fetchAsClient as never },
  );
});

afterAll(async () => {
  await agent.destroy();
  await browser?.close();
  await sandbox?.stop();
  await rm(directory, { recursive: true, force: true });
});

const fetchAsClient = (url: string, init: object) =>
  undiciFetch(url, { ...init, dispatcher: agent });

async function signingKey() {
  const [jwk = {}] = document.client.jwks.keys;
  const key = await importJWK(jwk, 'PS256');
  if (key instanceof Uint8Array) throw new TypeError('a symmetric key');
  return { key, kid: String(jwk.kid) };
}

/** Asks, as FAPI-CIBA wants it, in a signed request. */
async function ask(parameters: object) {
  const { key, kid } = await signingKey();
  const request = await new SignJWT({ scope: 'openid accounts', jti: randomUUID(), ...parameters })
    .setProtectedHeader({ alg: 'PS256', kid })
    .setIssuer(document.client.client_id)
    .setAudience(document.issuer)
    .setIssuedAt()
    .setNotBefore('0s')
    .setExpirationTime('5m')
    .sign(key);
  const answer = await openid.initiateBackchannelAuthentication(config, { request });
  expect(answer).toMatchObject({ expires_in: 300, interval: 5 });
  // Nobody has to wait for what is decided before the first poll.
  return { ...answer, interval: 1 };
}

/** Decides as the person, without a hand: what the certification suite calls. */
async function decideByPhone(authReqId: string, action: string) {
  const url = document.decide.replace('{auth_req_id}', authReqId).replace('{action}', action);
  const response = await sandbox.fetch(url, { method: 'POST' });
  return { status: response.status, text: await response.text() };
}

const poll = (answer: Awaited<ReturnType<typeof ask>>) =>
  openid.pollBackchannelAuthenticationGrant(config, answer);

test('a client of openid-client asks, a person approves in a browser without scripts, and it reads', async () => {
  const { login, password } = sandbox.person('joint account');
  const answer = await ask({ login_hint: login, binding_message: 'TILL-7' });
  const context = await browser.newPerson({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(document.approvals);
  await page.getByLabel('Login').fill(login);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: /Look at the request of Ledgerlight at the till/ }).click();
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Do you approve this?');
  expect(await page.locator('.binding-message').textContent()).toBe('TILL-7');
  await page.getByRole('checkbox').first().check();
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByRole('heading', { name: 'You have approved this' }).waitFor();
  await context.close();

  const tokens = await poll(answer);
  expect(tokens.claims()?.sub).toMatch(/^cust-/);
  const accounts = await fetchAsClient(`${document.api}/accounts`, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  expect(accounts.status).toBe(200);
  const refreshed = await openid.refreshTokenGrant(config, String(tokens.refresh_token));
  expect(refreshed.access_token).not.toBe(tokens.access_token);
});

test('every page of the approvals stands on a phone and on a desk, in light and dark', async () => {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const { login, password } = sandbox.person('Three accounts');
  await ask({ login_hint: login, binding_message: 'x'.repeat(20) });
  await ask({ login_hint: login, scope: 'openid' });
  const context = await browser.newPerson({ bypassCSP: true, reducedMotion: 'reduce' });
  const page = await context.newPage();

  async function examine(name: string): Promise<void> {
    for (const [width, colorScheme] of [
      [390, 'light'],
      [1280, 'dark'],
    ] as const) {
      await page.setViewportSize({ width, height: 844 });
      await page.emulateMedia({ colorScheme });
      await page.evaluate(axe);
      const { violations } = await page.evaluate<AxeResults>('axe.run()');
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      const found = violations.map(({ id }) => id);
      expect({ name, width, found, overflow }).toEqual({ name, width, found: [], overflow: 0 });
    }
  }

  await page.goto(document.approvals);
  await examine('sign-in');
  await page.getByLabel('Login').fill(login);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await examine('list');
  await page
    .getByRole('link', { name: /Look at the request/ })
    .last()
    .click();
  await examine('question');
  await page.getByRole('button', { name: 'Approve' }).click();
  await examine('error');
  await page.getByRole('button', { name: 'Refuse' }).click();
  await examine('outcome');
  await page.getByRole('link', { name: 'What else waits' }).click();
  await page.getByRole('link', { name: /Look at the request/ }).click();
  await examine('plain question');
  await context.close();
});

test('the phone of the sandbox decides as the person, by the same pages', async () => {
  const { login } = sandbox.person('Three accounts');
  const yes = await ask({ login_hint: login });
  expect(await decideByPhone(yes.auth_req_id, 'allow')).toMatchObject({ status: 200 });
  expect((await poll(yes)).token_type).toBe('bearer');
  const no = await ask({ login_hint: login });
  expect(await decideByPhone(no.auth_req_id, 'deny')).toMatchObject({ status: 200 });
  await expect(poll(no)).rejects.toMatchObject({ error: 'access_denied' });

  expect((await decideByPhone(no.auth_req_id, 'allow')).status).toBe(409);
  expect((await decideByPhone('unknown', 'allow')).status).toBe(404);
  expect((await decideByPhone(no.auth_req_id, 'perhaps')).status).toBe(400);
  // The product has no such thing.
  for (const path of ['/ciba-decide', '/approvals/ciba-decide']) {
    const url = `${sandbox.urls.bank}${path}?auth_req_id=${no.auth_req_id}&action=allow`;
    expect((await sandbox.fetch(url, { method: 'POST' })).status).toBe(404);
  }
});
