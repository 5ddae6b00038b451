import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type MoneyhubClient, startClientOf } from './moneyhub-client.js';
import { type OpenBrowser, openBrowser } from './open-browser.js';
import { catchCallback, personAt } from './person.js';
import { type RunningSandbox, startSandbox } from './start-sandbox.js';

interface Listed<Item> {
  readonly data: Item[];
}
interface Account {
  readonly id: string;
  readonly accountName: string;
  readonly connectionId: string;
  readonly balance: { readonly amount: { readonly value: number } };
}

let directory: string;
let sandbox: RunningSandbox;
let browser: OpenBrowser;
let client: MoneyhubClient;
let redirectUri: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'assent-e2e-'));
  sandbox = await startSandbox(directory);
  browser = await openBrowser();
  redirectUri = sandbox.client('identity-service').redirect_uris[0] ?? '';
  client = await startClientOf(sandbox, 'identity-service');
});

afterAll(async () => {
  client?.stop();
  await browser?.close();
  await sandbox?.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('ongoing access with the published client', () => {
  let userId: string;
  let connectionId: string;

  test('registers a user', async () => {
    const user = await client.call<{ userId: string }>('registerUser', {
      clientUserId: 'person-1',
    });
    expect(user).toMatchObject({
      clientUserId: 'person-1',
      managedBy: 'client',
      connectionIds: [],
    });
    expect(user.userId).toMatch(/^[0-9a-f]{24}$/);
    userId = user.userId;
  });

  test('sends the person to their bank, and redeems the code', async () => {
    const person = sandbox.person('Three accounts');
    const url = await client.call<string>('getAuthorizeUrlForCreatedUser', {
      bankId: person.institution,
      userId,
      state: 'state-1',
      nonce: 'nonce-1',
    });
    const context = await browser.newPerson();
    const page = await context.newPage();
    const callback = await catchCallback(page, redirectUri);
    await page.goto(url);
    const { accountNames, allow, signIn, shareOnly } = personAt(page);
    await allow();
    await signIn(person);
    const chosen = await page.getByRole('checkbox').all();
    expect(chosen.length).toBe(3);
    const names = await accountNames();
    await shareOnly(names[0] ?? '', names[1] ?? '');
    const paramsFromCallback = await callback();
    expect(paramsFromCallback).toMatchObject({ state: 'state-1', iss: sandbox.tpp.issuer });

    const tokens = await client.call<{ id_token: string; access_token: string }>(
      'exchangeCodeForTokens',
      {
        paramsFromCallback,
        localParams: { state: 'state-1', nonce: 'nonce-1', sub: userId, response_type: 'code' },
      },
    );
    const claims = decodeJwt(tokens.id_token);
    expect(claims.sub).toBe(userId);
    expect(claims['mh:con_id']).toMatch(new RegExp(`^${person.institution}:[0-9a-f-]{36}$`));
    connectionId = String(claims['mh:con_id']);
    await context.close();
  });

  test('lists the connection, the chosen accounts, and their transactions', async () => {
    const user = await client.call<{ connectionIds: string[] }>('getUser', { userId });
    expect(user.connectionIds).toEqual([connectionId]);

    const connections = await client.call<Listed<object>>('getUserConnections', { userId });
    expect(connections.data).toEqual([
      expect.objectContaining({ id: connectionId, status: 'ok', tppConsent: true }),
    ]);

    const accounts = await client.call<Listed<Account>>('getAccounts', { userId });
    expect(accounts.data).toHaveLength(2);
    for (const account of accounts.data) expect(account.connectionId).toBe(connectionId);

    const transactions = await client.call<Listed<{ accountId: string }>>('getTransactions', {
      userId,
      params: { limit: 20 },
    });
    expect(transactions.data.length).toBeGreaterThan(0);
    const shared = accounts.data.map(({ id }) => id);
    for (const { accountId } of transactions.data) expect(shared).toContain(accountId);
  });

  test('leaves nothing readable in the databases (SEC-67)', async () => {
    const tokens = await client.call<{ access_token: string }>('getClientCredentialTokens', {
      scope: 'accounts:read',
      sub: userId,
    });
    const secrets = [
      tokens.access_token,
      sandbox.client('identity-service').client_secret ?? '',
      'Everyday',
      '31820447',
      'person-1',
      'PRIVATE KEY',
    ];
    const names = (await readdir(directory)).filter((name) => /\.db(-wal)?$/.test(name));
    expect(names).toEqual(expect.arrayContaining(['assent.db', 'assent.db-wal', 'bank.db']));
    for (const name of names) {
      const bytes = await readFile(join(directory, name));
      for (const secret of secrets) {
        expect({ name, secret, found: bytes.includes(secret) }).toMatchObject({ found: false });
      }
    }
  });

  test('cannot read another user', async () => {
    await expect(client.call('getUser', { userId: 'f'.repeat(24) })).rejects.toMatchObject({
      status: 404,
      error: 'NotFound',
    });
    await expect(client.call('getAccounts', { userId: 'f'.repeat(24) })).rejects.toThrow();
  });

  test('deletes the connection and the user', async () => {
    expect(await client.call('deleteUserConnection', { userId, connectionId })).toBe(204);
    const accounts = await client.call<Listed<Account>>('getAccounts', { userId });
    expect(accounts.data).toEqual([]);
    expect(await client.call('deleteUser', { userId })).toBe(204);
    await expect(client.call('getUser', { userId })).rejects.toMatchObject({ status: 404 });
  });
});

describe('one-time access with the published client', () => {
  test('shares only what was chosen, with the token of the code', async () => {
    const person = sandbox.person('Three accounts');
    const url = await client.call<string>('getAuthorizeUrl', {
      scope: 'openid id:all accounts:read transactions:read:all',
      state: 'state-2',
      nonce: 'nonce-2',
    });
    const context = await browser.newPerson();
    const page = await context.newPage();
    const callback = await catchCallback(page, redirectUri);
    await page.goto(url);
    const { accountNames, allow, chooseBank, signIn, shareOnly } = personAt(page);
    await chooseBank(sandbox.institution(person.institution).name);
    await allow();
    await signIn(person);
    const [name = ''] = await accountNames();
    await shareOnly(name);
    const tokens = await client.call<{ access_token: string; id_token: string }>(
      'exchangeCodeForTokens',
      {
        paramsFromCallback: await callback(),
        localParams: { state: 'state-2', nonce: 'nonce-2', response_type: 'code' },
      },
    );
    await context.close();
    const response = await sandbox.fetch(`${sandbox.tpp.api}/v3/accounts`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    const { data } = (await response.json()) as Listed<Account>;
    expect(data).toHaveLength(1);
  });

  test('hears of a refusal with state and iss', async () => {
    const url = await client.call<string>('getAuthorizeUrl', {
      scope: `openid id:${sandbox.person('Three accounts').institution} accounts:read`,
      state: 'state-3',
      nonce: 'nonce-3',
    });
    const context = await browser.newPerson();
    const page = await context.newPage();
    const callback = await catchCallback(page, redirectUri);
    await page.goto(url);
    await personAt(page).refuse();
    expect(await callback()).toMatchObject({
      error: 'access_denied',
      state: 'state-3',
      iss: sandbox.tpp.issuer,
    });
    await context.close();
  });
});

describe('the hybrid flow of a client with its own consent screens', () => {
  test('goes straight to the bank, and redeems with private_key_jwt', async () => {
    const own = sandbox.client('identity-service-own-consent');
    const [callbackUri = ''] = own.redirect_uris;
    const direct = await startClientOf(sandbox, 'identity-service-own-consent', {
      response_type: 'code id_token',
    });
    const person = sandbox.person('joint account');
    const { userId } = await direct.call<{ userId: string }>('registerUser', {});
    const url = await direct.call<string>('getAuthorizeUrlForCreatedUser', {
      bankId: person.institution,
      userId,
      state: 'state-4',
      nonce: 'nonce-4',
    });
    const context = await browser.newPerson();
    const page = await context.newPage();
    const callback = await catchCallback(page, callbackUri);
    await page.goto(url);
    const { signIn, shareAll } = personAt(page);
    await signIn(person);
    await shareAll();
    const paramsFromCallback = await callback();
    await context.close();
    expect(Object.keys(paramsFromCallback)).toEqual(expect.arrayContaining(['code', 'id_token']));
    // The front-channel ID token is a detached signature, without personal data.
    expect(decodeJwt(paramsFromCallback.id_token ?? '')['mh:con_id']).toBeUndefined();

    const tokens = await direct.call<{ id_token: string }>('exchangeCodeForTokens', {
      paramsFromCallback,
      localParams: {
        state: 'state-4',
        nonce: 'nonce-4',
        sub: userId,
        response_type: 'code id_token',
      },
    });
    expect(decodeJwt(tokens.id_token)).toMatchObject({
      sub: userId,
      auth_time: expect.any(Number),
    });
    const { data } = await direct.call<Listed<Account>>('getAccounts', { userId });
    expect(data).toHaveLength(2);
    direct.stop();
  });
});

describe('a bank that fails', () => {
  test.each([
    ['never answers', 'Your bank is not answering'],
    ['answers garbage', 'Something went wrong at your bank'],
  ])(
    'when it %s, the person sees what happened and can go back',
    async (name, heading) => {
      const institution = sandbox.institutionNamed(name);
      const url = await client.call<string>('getAuthorizeUrl', {
        scope: `openid id:${institution.id} accounts:read`,
        state: 'state-5',
        nonce: 'nonce-5',
      });
      const context = await browser.newPerson();
      const page = await context.newPage();
      const callback = await catchCallback(page, redirectUri);
      await page.goto(url);
      await personAt(page).allow();
      await page.getByRole('heading', { name: heading }).waitFor();
      await page.getByRole('button', { name: /^Go back to/ }).click();
      expect(await callback()).toMatchObject({ error: 'access_denied', state: 'state-5' });
      await context.close();
    },
    90_000,
  );

  test('a callback from another browser connects nothing', async () => {
    const person = sandbox.person('Three accounts');
    const url = await client.call<string>('getAuthorizeUrl', {
      scope: `openid id:${person.institution} accounts:read`,
      state: 'state-6',
      nonce: 'nonce-6',
    });
    const context = await browser.newPerson();
    const page = await context.newPage();
    const departures: string[] = [];
    page.on('request', (request) => departures.push(request.url()));
    await page.goto(url);
    await personAt(page).allow();
    await page.getByLabel('Login').waitFor();
    const [departure = ''] = departures.filter((to) =>
      to.startsWith(`${sandbox.urls.bank}/oidc/auth?`),
    );

    // The attacker sends the link to the bank to a victim, who signs in and shares.
    const victim = await browser.newPerson();
    const other = await victim.newPage();
    await other.goto(departure);
    const { signIn, shareAll } = personAt(other);
    await signIn(person);
    await shareAll();
    await other.getByRole('heading', { name: 'This page is no longer valid' }).waitFor();
    expect(new URL(other.url()).origin).toBe(sandbox.urls.assent);
    await victim.close();
    await context.close();
  });
});
