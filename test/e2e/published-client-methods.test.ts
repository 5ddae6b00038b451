import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type MoneyhubClient, startClientOf } from './moneyhub-client.js';
import { type OpenBrowser, openBrowser } from './open-browser.js';
import { catchCallback, personAt } from './person.js';
import { type RunningSandbox, startSandbox } from './start-sandbox.js';

/*
 * Every method of the published client against a running service. Those that an account information
 * service answers are driven through what they are for; every other one hears a clear 501.
 */

interface Listed<Item> {
  readonly data: Item[];
}
interface One<Item> {
  readonly data: Item;
}
interface Connection {
  readonly id: string;
  readonly expiresAt: string;
  readonly accountIds: string[];
  readonly status: string;
}
interface Sync {
  readonly id: string;
  readonly connectionId: string;
  readonly fetchStatus?: string;
}
interface Tokens {
  readonly access_token: string;
  readonly id_token: string;
  readonly refresh_token?: string;
}

const day = 86_400_000;
let directory: string;
let sandbox: RunningSandbox;
let browser: OpenBrowser;
let hosted: MoneyhubClient;
let own: MoneyhubClient;
let redirectUri: string;
const driven = new Set<string>();

/** The client, which remembers what was called. */
async function startClient(name: 'identity-service' | 'identity-service-own-consent') {
  redirectUri = sandbox.client(name).redirect_uris[0] ?? '';
  const client = await startClientOf(sandbox, name);
  return {
    ...client,
    call<Result>(method: string, ...args: readonly unknown[]) {
      driven.add(method);
      return client.call<Result>(method, ...args);
    },
  };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-methods-'));
  sandbox = await startSandbox(directory);
  browser = await openBrowser();
  hosted = await startClient('identity-service');
  own = await startClient('identity-service-own-consent');
});

afterAll(async () => {
  hosted?.stop();
  own?.stop();
  await browser?.close();
  await sandbox?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A person's whole visit in a browser, from the client's link back to the client. */
async function visit(url: string, act: (person: ReturnType<typeof personAt>) => Promise<void>) {
  const context = await browser.newPerson();
  const page = await context.newPage();
  const callback = await catchCallback(page, redirectUri);
  await page.goto(url);
  await act(personAt(page));
  const paramsFromCallback = await callback();
  await context.close();
  return paramsFromCallback;
}

async function redeem(client: MoneyhubClient, paramsFromCallback: object, sub?: string) {
  return client.call<Tokens>('exchangeCodeForTokens', {
    paramsFromCallback,
    localParams: { state: 'state', nonce: 'nonce', response_type: 'code', ...(sub && { sub }) },
  });
}

/** Connects all accounts of a demo person to a user. */
async function connect(
  client: MoneyhubClient,
  userId: string,
  hasConsentPage: boolean,
  options = {},
) {
  const person = sandbox.person('Three accounts');
  const url = await client.call<string>('getAuthorizeUrlForCreatedUser', {
    bankId: person.institution,
    userId,
    state: 'state',
    nonce: 'nonce',
    ...options,
  });
  const returned = await visit(url, async ({ allow, signIn, shareAll }) => {
    if (hasConsentPage) await allow();
    await signIn(person);
    await shareAll();
  });
  const tokens = await redeem(client, returned, userId);
  return decodeJwt(tokens.id_token);
}

async function settled(userId: string, syncId: string): Promise<Sync> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const { data } = await hosted.call<One<Sync>>('getSync', { userId, syncId });
    if (data.fetchStatus) return data;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the sync did not end');
}

describe('what is public', () => {
  test.each([
    ['listConnections', ['api', 'test', 'legacy']],
    ['listAPIConnections', ['api']],
    ['listTestConnections', ['test']],
    ['listPaymentsConnections', []],
    ['listBetaConnections', []],
  ])('%s', async (method, types) => {
    const listed = await hosted.call<{ type: string }[]>(method);
    expect(new Set(listed.map(({ type }) => type))).toEqual(new Set(types));
  });

  test('getOpenIdConfig', async () => {
    expect(await hosted.call('getOpenIdConfig')).toMatchObject({ issuer: sandbox.tpp.issuer });
  });
});

describe('an ongoing connection through the hosted pages', () => {
  let userId: string;
  let connectionId: string;
  const connection = async () => {
    const { data } = await hosted.call<Listed<Connection>>('getUserConnections', { userId });
    const [first] = data;
    if (!first) throw new Error('the user has no connection');
    return first;
  };

  test('is made asynchronously and followed by its sync', async () => {
    ({ userId } = await hosted.call<{ userId: string }>('registerUser', { clientUserId: 'mine' }));
    const claims = await connect(hosted, userId, true, { enableAsync: true });
    connectionId = String(claims['mh:con_id']);
    expect(claims['mh:sync']).toMatch(/^[0-9a-f-]{36}$/);
    expect(await settled(userId, String(claims['mh:sync']))).toMatchObject({
      connectionId,
      action: 'client-update',
      method: 'ADD',
      fetchStatus: 'success',
      accounts: expect.arrayContaining([
        { providerId: connectionId.split(':')[0], accountId: expect.any(String) },
      ]),
    });
    expect(await connection()).toMatchObject({ id: connectionId, status: 'ok' });
  });

  test('is listed with its user', async () => {
    expect(await hosted.call('getUser', { userId })).toMatchObject({
      userId,
      connectionIds: [connectionId],
    });
    const { data } = await hosted.call<Listed<{ userId: string }>>('getUsers', { limit: 5 });
    expect(data.map((user) => user.userId)).toContain(userId);
  });

  test('is read, with and without details', async () => {
    const plain = await hosted.call<Listed<{ id: string; details: object }>>('getAccounts', {
      userId,
    });
    expect(plain.data).toHaveLength(3);
    const [{ id: accountId } = { id: '' }] = plain.data;
    expect(Object.keys(plain.data[0]?.details ?? {})).toEqual([]);
    const detailed = await hosted.call<typeof plain>('getAccountsWithDetails', { userId });
    expect(detailed.data[0]?.details).toMatchObject({ sortCodeAccountNumber: expect.any(String) });
    for (const method of ['getAccountsList', 'getAccountsListWithDetails']) {
      expect((await hosted.call<typeof plain>(method, { userId })).data).toHaveLength(3);
    }
    for (const method of ['getAccount', 'getAccountWithDetails']) {
      expect(await hosted.call(method, { userId, accountId })).toMatchObject({
        data: { id: accountId },
      });
    }
    const balances = await hosted.call<Listed<object>>('getAccountBalances', { userId, accountId });
    expect(balances.data).toHaveLength(1);
    const listed = await hosted.call<Listed<{ id: string }>>('getTransactions', {
      userId,
      params: { limit: 2 },
    });
    expect(listed.data).toHaveLength(2);
    const [{ id: transactionId } = { id: '' }] = listed.data;
    expect(await hosted.call('getTransaction', { userId, transactionId })).toMatchObject({
      data: { id: transactionId },
    });
  });

  test('is synchronised on demand', async () => {
    const { data } = await hosted.call<One<{ status: string; syncId: string }>>(
      'syncUserConnection',
      { userId, connectionId, customerIpAddress: '203.0.113.7' },
    );
    expect(data.status).toBe('ok');
    expect(await settled(userId, data.syncId)).toMatchObject({
      method: 'UPDATE',
      fetchStatus: 'success',
    });
    const { data: list } = await hosted.call<Listed<Sync>>('getConnectionSyncs', {
      userId,
      connectionId,
    });
    expect(list.map(({ id }) => id)).toContain(data.syncId);
    await expect(hosted.call('syncUserConnection', { userId, connectionId })).rejects.toMatchObject(
      { status: 429, error: 'TooManyRequests' },
    );
  });

  test('is reconsented without a visit to the bank (§4.4)', async () => {
    const before = await connection();
    const expiresAt = new Date(Date.now() + 60 * day).toISOString();
    const url = await hosted.call<string>('getReconsentAuthorizeUrlForCreatedUser', {
      userId,
      connectionId,
      expiresAt,
      state: 'state',
      nonce: 'nonce',
    });
    const returned = await visit(url, ({ allow }) => allow());
    const tokens = await redeem(hosted, returned, userId);
    expect(decodeJwt(tokens.id_token)['mh:con_id']).toBe(connectionId);
    expect(await connection()).toMatchObject({
      ...before,
      expiresAt,
      userConsentedAt: expect.anything(),
    });
  });

  test('is authenticated again at the bank (§4.3)', async () => {
    const before = await connection();
    const url = await hosted.call<string>('getReauthAuthorizeUrlForCreatedUser', {
      userId,
      connectionId,
      state: 'state',
      nonce: 'nonce',
    });
    const person = sandbox.person('Three accounts');
    const returned = await visit(url, async ({ allow, signIn, shareAll }) => {
      await allow();
      await signIn(person);
      await shareAll();
    });
    const tokens = await redeem(hosted, returned, userId);
    expect(decodeJwt(tokens.id_token)).toMatchObject({ sub: userId, 'mh:con_id': connectionId });
    const after = await connection();
    expect(after.accountIds).toEqual(before.accountIds);
    expect(Date.parse(after.expiresAt)).toBeGreaterThan(Date.parse(before.expiresAt));
  });

  test('is never refreshed: that is for legacy connections (§4.6)', async () => {
    const url = await hosted.call<string>('getRefreshAuthorizeUrlForCreatedUser', {
      userId,
      connectionId,
      state: 'state',
      nonce: 'nonce',
    });
    expect(await visit(url, async () => {})).toMatchObject({
      error: 'invalid_claims',
      state: 'state',
    });
  });

  test('is taken away, and its user too', async () => {
    expect(await hosted.call('deleteUserConnection', { userId, connectionId })).toBe(204);
    expect(await hosted.call<Listed<object>>('getUserConnections', { userId })).toMatchObject({
      data: [],
    });
    expect(await hosted.call('deleteUser', { userId })).toBe(204);
  });
});

describe('one-time access', () => {
  test('by a request object that waits at the service, with a refresh token', async () => {
    const person = sandbox.person('Three accounts');
    const requestObject = await hosted.call<string>('requestObject', {
      scope: `openid offline_access id:${person.institution} accounts:read`,
      state: 'state',
      nonce: 'nonce',
      claims: { id_token: { sub: { essential: true }, 'mh:con_id': { essential: true } } },
    });
    const requestUri = await hosted.call<string>('getRequestUri', requestObject);
    expect(requestUri).toMatch(/^urn:x-mh-request:[0-9a-f-]{36}$/);
    const url = await hosted.call<string>('getAuthorizeUrlFromRequestUri', { requestUri });
    const returned = await visit(url, async ({ allow, signIn, shareAll }) => {
      await allow();
      await signIn(person);
      await shareAll();
    });
    const { refresh_token: refreshToken } = await redeem(hosted, returned);
    const again = await hosted.call<Tokens>('refreshTokens', { refreshToken });
    const response = await sandbox.fetch(`${sandbox.tpp.api}/v3/accounts`, {
      headers: { authorization: `Bearer ${again.access_token}` },
    });
    expect(((await response.json()) as Listed<object>).data).toHaveLength(3);
  });

  test('by the link that the client has for it', async () => {
    const url = await hosted.call<string>('getAuthorizeUrl', {
      scope: `openid id:${sandbox.person('Three accounts').institution} accounts:read`,
      state: 'state',
      nonce: 'nonce',
    });
    expect(await visit(url, ({ refuse }) => refuse())).toMatchObject({ error: 'access_denied' });
  });
});

describe('a client with its own consent screens', () => {
  let userId: string;

  test('extends a consent itself (§4.5)', async () => {
    ({ userId } = await own.call<{ userId: string }>('registerUser', {}));
    const { 'mh:con_id': connectionId } = await connect(own, userId, false);
    const sent = Date.now() + 80 * day;
    const expiresAt = new Date(sent).toISOString();
    expect(await own.call('updateUserConnection', { userId, connectionId, expiresAt })).toBe(204);
    const { data } = await own.call<Listed<Connection>>('getUserConnections', { userId });
    expect(data[0]?.expiresAt).toBe(new Date(sent - 7_200_000).toISOString());
    await expect(
      hosted.call('updateUserConnection', { userId, connectionId, expiresAt }),
    ).rejects.toMatchObject({ status: 404 });
  });

  test('sends people to their bank by itself (§4.7)', async () => {
    const person = sandbox.person('joint account');
    const { data: created } = await own.call<
      One<{ id: string; status: string; redirectParams: { authUrl: string; state: string } }>
    >('createAuthRequest', {
      redirectUri,
      userId,
      scope: `openid id:${person.institution}`,
      permissions: ['ReadParty'],
    });
    expect(created).toMatchObject({
      status: 'pending',
      redirectParams: { authUrl: expect.stringContaining(sandbox.urls.bank) },
    });
    const authParams = await visit(created.redirectParams.authUrl, async ({ signIn, shareAll }) => {
      await signIn(person);
      await shareAll();
    });
    expect(authParams.state).toBe(created.redirectParams.state);
    const completion = { id: created.id, authParams };
    const completed = await own.call<One<{ connectionId: string }>>(
      'completeAuthRequest',
      completion,
    );
    expect(completed.data).toMatchObject({
      status: 'complete',
      connectionId: expect.stringContaining(person.institution),
    });
    expect(await own.call('completeAuthRequest', completion)).toEqual(completed);
    expect(await own.call('getAuthRequest', { id: created.id })).toMatchObject({
      data: { id: created.id, status: 'complete' },
    });
    const listed = await own.call<Listed<{ id: string }>>('getAllAuthRequests', { limit: 10 });
    expect(listed.data.map(({ id }) => id)).toContain(created.id);
  });

  test('gets tokens for its user by assertion and by its own credentials', async () => {
    for (const [method, argument] of [
      ['getJWTBearerToken', { scope: 'accounts:read', sub: userId }],
      ['getClientCredentialTokens', { scope: 'accounts:read', sub: userId }],
    ] as const) {
      const { access_token: token } = await own.call<Tokens>(method, argument);
      const response = await sandbox.fetch(`${sandbox.tpp.api}/v3/accounts`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(response.status).toBe(200);
    }
    expect(await own.call('createJWTBearerGrantToken', userId)).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  test('lists its SCIM users', async () => {
    expect(await own.call<Listed<object>>('getSCIMUsers', { limit: 5 })).toMatchObject({
      data: [],
    });
  });
});

/** The client's own faults and helpers, which ask no server or no server could answer. */
const withoutServer = ['keys', 'generators', 'exchangeCodeForTokensLegacy'];

describe('what belongs to payments and enrichment', () => {
  const links = [
    'getPaymentAuthorizeUrl',
    'getReversePaymentAuthorizeUrl',
    'getRecurringPaymentAuthorizeUrl',
    'getStandingOrderAuthorizeUrl',
  ];

  test.each(links)('%s leads back to the app with an error', async (method) => {
    const url = await hosted.call<string>(method, {
      bankId: sandbox.person('Three accounts').institution,
      payeeId: 'x',
      paymentId: 'x',
      state: 'state',
      nonce: 'nonce',
    });
    expect(await visit(url, async () => {})).toMatchObject({
      error: 'invalid_scope',
      state: 'state',
      iss: sandbox.tpp.issuer,
    });
  });

  test('getPushedAuthorisationRequestUrl leads to the consent page', async () => {
    const { userId } = await hosted.call<{ userId: string }>('registerUser', {});
    const bankId = sandbox.person('Three accounts').institution;
    const request = { bankId, userId, state: 'state', nonce: 'nonce' };
    const url = await hosted.call<string>('getPushedAuthorisationRequestUrl', request);
    expect(await visit(url, ({ refuse }) => refuse())).toMatchObject({ error: 'access_denied' });
  });

  test('every other method hears that it is not implemented', async () => {
    const { userId } = await hosted.call<{ userId: string }>('registerUser', {});
    const one = { userId, accountId: 'x', transactionId: 'x', id: 'x', scope: 'x' };
    const payload = Buffer.from('{"mh:payment":"x"}').toString('base64url');
    const argumentsOf: Readonly<Record<string, readonly unknown[]>> = {
      createCustomCategory: [{ userId, category: { group: 'group:1', name: 'x' } }],
      getPaymentFromIDToken: [{ idToken: `x.${payload}.x` }],
      getSavingsGoals: [{}, userId],
      getSpendingGoals: [{}, userId],
    };
    const all = await hosted.call<readonly string[]>('methodNames');
    const others = all.filter((name) => !driven.has(name) && !withoutServer.includes(name));
    expect(others.length).toBeGreaterThan(40);
    const heard: Record<string, string> = {};
    for (const name of others) {
      heard[name] = await hosted
        .call(name, ...(argumentsOf[name] ?? [one]))
        .then(() => 'an answer')
        .catch((error) => `${error.status ?? ''} ${error.error ?? error.message}`.trim());
    }
    expect(Object.entries(heard).filter(([, answer]) => answer !== '501 NotImplemented')).toEqual(
      [],
    );
  });
});
