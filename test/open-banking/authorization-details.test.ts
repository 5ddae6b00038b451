import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as openid from 'openid-client';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { createMovingClock } from '../adapters/support/moving-clock.js';
import { type ClientKeys, createClientKeys } from '../support/client-keys.js';
import { type RunningAssent, startAssent } from '../support/start-assent.js';
import { amelia, codeOn, openClient, registration, type Walk } from './support/open-client.js';
import { openPerson, readRecord, type Seen } from './support/start-bank.js';

const accounts = {
  type: 'account_information',
  actions: ['list_accounts', 'read_balances'],
};
const transactions = {
  type: 'account_information',
  actions: ['list_accounts', 'read_transactions'],
  datatypes: ['account_numbers', 'transaction_information'],
};
const payment = {
  type: 'payment_initiation',
  actions: ['initiate', 'status'],
  instructedAmount: { currency: 'GBP', amount: '123.50' },
  creditorName: 'Merchant A',
  creditorAccount: { sortCode: '200000', accountNumber: '55779911' },
  remittanceInformationUnstructured: 'Invoice 7',
};
const cards = 'https://cards.bank.example/';
const types = ['account_information', 'payment_initiation'];

const clock = createMovingClock();
let bank: RunningAssent;
let tpp: Awaited<ReturnType<typeof openClient>>;
let keys: ClientKeys;

beforeAll(async () => {
  keys = await createClientKeys('ES256');
  bank = await startAssent(
    {
      role: 'bank',
      resources: [{ identifier: cards, name: 'Cards', scopes: { 'cards:read': 'See cards' } }],
      features: { authorizationDetails: ['account_information', 'payment_initiation'] },
      clients: [
        registration('tpp', { authorization_details_types: types, jwks: keys.jwks }),
        registration('reader', { authorization_details_types: ['account_information'] }),
        registration('bare'),
        registration('api', { resource_server: true, response_types: [], redirect_uris: [] }),
      ],
    },
    { ledger: createDemoLedger({ clock }), clock },
  );
  tpp = await openClient(bank, 'tpp');
});

afterAll(() => bank?.stop());

const asking = (...details: object[]) => ({ authorization_details: JSON.stringify(details) });

/** Signs in, with the phone where it is asked for, and decides. */
function deciding(decision: Record<string, string | string[]>, seen?: (page: Seen) => void): Walk {
  return async (person, page) => {
    let next = await person.submit(page, 'login', amelia);
    if (next.text.includes('Enter the code')) {
      next = await person.submit(next, 'code', { code: codeOn(next) });
    }
    seen?.(next);
    return person.submit(next, 'details', { decision: 'allow', ...decision });
  };
}

async function connect(
  details: object[],
  decision: Record<string, string | string[]>,
  redemption?: Record<string, string>,
) {
  const parameters = { ...asking(...details), scope: 'openid' };
  const back = await tpp.visit(deciding(decision), parameters);
  return tpp.redeem(back, redemption);
}

/** What the API says of accounts, balances and transactions. */
async function readAll(token: string, from = tpp) {
  const statuses = await Promise.all(
    ['/accounts', '/balances', '/transactions'].map(
      async (path) => (await from.read(token, path)).status,
    ),
  );
  const { body } = await from.read(token);
  const data = body.Data === undefined ? {} : readRecord(body.Data);
  const list = Array.isArray(data.Account) ? data.Account.map(readRecord) : [];
  return { statuses, accounts: list.map(({ AccountId }) => AccountId), list };
}

const introspect = (token: string) => openid.tokenIntrospection(tpp.configuration, token);

describe('from the request to the data', () => {
  test('what the person allows is what the tokens are for, everywhere the same', async () => {
    let page = '';
    const back = await tpp.visit(
      deciding({ 'account-0': ['22289', '47751'] }, ({ text }) => {
        page = text;
      }),
      { ...asking(accounts), scope: 'openid' },
    );
    expect(page).toContain('The tpp');
    expect(page).toContain('to see data from your accounts');
    expect(page).toContain('How much is in each account');
    expect(page).not.toContain('Amounts and dates');

    const tokens = await tpp.redeem(back);
    const granted = {
      ...accounts,
      accounts: ['22289', '47751'],
      accessUntil: expect.stringMatching(/Z$/),
    };
    expect(tokens.authorization_details).toEqual([granted]);
    expect(tokens.scope).toBe('openid');
    const introspected = await introspect(tokens.access_token);
    expect(introspected.authorization_details).toEqual([granted]);
    const api = await openClient(bank, 'api');
    const asApi = await openid.tokenIntrospection(api.configuration, tokens.access_token);
    expect(asApi.authorization_details).toEqual([granted]);
    const refreshed = await openid.refreshTokenGrant(tpp.configuration, tokens.refresh_token ?? '');
    expect(refreshed.authorization_details).toEqual([granted]);

    for (const { access_token } of [tokens, refreshed]) {
      const read = await readAll(access_token);
      expect(read).toMatchObject({ statuses: [200, 200, 403], accounts: ['22289', '47751'] });
      expect(read.list[0]).not.toHaveProperty('Account');
    }
  });

  test('each detail is decided by itself, and each opens its own accounts', async () => {
    const tokens = await connect([accounts, transactions, accounts], {
      'account-0': ['22289'],
      'account-1': ['31820'],
    });
    expect(tokens.authorization_details).toMatchObject([
      { ...accounts, accounts: ['22289'] },
      { ...transactions, accounts: ['31820'] },
    ]);
    const read = async (path: string) => {
      const { body } = await tpp.read(tokens.access_token, path);
      return readRecord(body.Data);
    };
    const { Account } = await read('/accounts');
    expect(Account).toMatchObject([{ AccountId: '22289' }, { AccountId: '31820', Account: [{}] }]);
    expect((await read('/balances')).Balance).toMatchObject([{ AccountId: '22289' }]);
    const { Transaction } = await read('/transactions');
    if (!Array.isArray(Transaction)) throw new TypeError('no transactions');
    const of = new Set(Transaction.map((entry) => readRecord(entry).AccountId));
    expect([...of]).toEqual(['31820']);
    expect((await tpp.read(tokens.access_token, '/accounts/22289/transactions')).status).toBe(400);
  });

  test('transactions are those of the window, and only for as long as it was asked for', async () => {
    const now = clock.now();
    const day = 86_400_000;
    const [transactionsFrom, transactionsTo, accessUntil] = [-40, -10, 1].map((days) =>
      new Date(now + days * day).toISOString(),
    );
    const tokens = await connect(
      [{ ...transactions, transactionsFrom, transactionsTo, accessUntil }],
      { 'account-0': ['22289'] },
    );
    expect(tokens.authorization_details).toMatchObject([{ transactionsFrom, accessUntil }]);
    const { body } = await tpp.read(tokens.access_token, '/transactions');
    const { Transaction } = readRecord(body.Data);
    if (!Array.isArray(Transaction)) throw new TypeError('no transactions');
    const booked = Transaction.map((entry) => String(readRecord(entry).BookingDateTime));
    expect(booked.length).toBeGreaterThan(5);
    for (const at of booked) {
      expect(at >= String(transactionsFrom) && at <= String(transactionsTo)).toBe(true);
    }
    clock.advance(25 * 3600);
    await expect(
      openid.refreshTokenGrant(tpp.configuration, tokens.refresh_token ?? ''),
    ).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test('a scope may stand beside them, and opens nothing more', async () => {
    const back = await tpp.visit(deciding({ 'account-0': '22289' }), asking(accounts));
    const tokens = await tpp.redeem(back);
    expect(tokens.scope).toBe('openid accounts');
    expect(await readAll(tokens.access_token)).toMatchObject({
      statuses: [200, 200, 403],
      accounts: ['22289'],
    });
  });
});

describe('a payment', () => {
  test('is shown in full, allowed with the phone, from one account, and lasts a day', async () => {
    let message = '';
    let page = '';
    const back = await tpp.visit(
      async (person, first) => {
        const asked = await person.submit(first, 'login', amelia);
        message = asked.text;
        const choice = await person.submit(asked, 'code', { code: codeOn(asked) });
        page = choice.text;
        return person.submit(choice, 'details', { 'account-0': '22289', decision: 'allow' });
      },
      { ...asking(payment), scope: 'openid' },
    );
    expect(message).toContain('£123.50, Merchant A, 20-00-00 55779911, Invoice 7');
    for (const words of ['£123.50', 'Merchant A', '20-00-00 55779911', 'Invoice 7', 'Pay from']) {
      expect(page).toContain(words);
    }
    const tokens = await tpp.redeem(back);
    const granted = { ...payment, accounts: ['22289'], accessUntil: expect.any(String) };
    expect(tokens.authorization_details).toEqual([granted]);
    const introspected = await introspect(tokens.access_token);
    expect(introspected).toMatchObject({
      acr: 'urn:openbanking:psd2:sca',
      authorization_details: [granted],
    });
    // It says nothing about seeing accounts.
    expect((await readAll(tokens.access_token)).statuses).toEqual([403, 403, 403]);
    expect(Number(introspected.exp) * 1000).toBeLessThanOrEqual(clock.now() + 86_400_000);
  });

  test('can be refused beside what is allowed', async () => {
    const tokens = await connect([accounts, payment], {
      'account-0': '22289',
      'account-1': 'none',
    });
    expect(tokens.authorization_details).toMatchObject([{ type: 'account_information' }]);
  });

  test('is not taken from two accounts, nor from somebody else’s', async () => {
    for (const chosen of [['22289', '31820'], ['58104']]) {
      const person = openPerson(bank);
      const url = await tpp.push({ ...asking(payment), scope: 'openid' });
      const page = await deciding({ 'account-0': chosen })(person, await person.open(url));
      expect([page.status, page.text]).toEqual([400, expect.stringContaining('Choose an account')]);
    }
  });
});

describe('the person', () => {
  test('who chooses nothing is asked again, and may refuse it all', async () => {
    const person = openPerson(bank);
    const url = await tpp.push({ ...asking(accounts, transactions), scope: 'openid' });
    const again = await deciding({})(person, await person.open(url));
    expect(again.status).toBe(400);
    const { url: back } = await person.submit(again, 'details', { decision: 'refuse' });
    expect(back.searchParams.get('error')).toBe('access_denied');
  });

  test('is offered only the accounts that the client names', async () => {
    let page = '';
    const walk = deciding({ 'account-0': ['22289', '31820'] }, ({ text }) => {
      page = text;
    });
    const asked = { ...accounts, accounts: ['31820', '58104'] };
    const back = await tpp.visit(walk, { ...asking(asked), scope: 'openid' });
    expect(page).toContain('Rainy day saver');
    expect(page).not.toContain('Everyday');
    const tokens = await tpp.redeem(back);
    expect(tokens.authorization_details).toMatchObject([{ accounts: ['31820'] }]);
  });

  test('decides once, however many tabs they have', async () => {
    const person = openPerson(bank);
    const url = await tpp.push({ ...asking(accounts), scope: 'openid' });
    const choice = await person.submit(await person.open(url), 'login', amelia);
    const decide = () =>
      person.submit(choice, 'details', { 'account-0': '22289', decision: 'allow' });
    const backs = await Promise.allSettled([decide(), decide()]);
    const codes = backs.flatMap((back) =>
      back.status === 'fulfilled' ? (back.value.url.searchParams.get('code') ?? []) : [],
    );
    expect(new Set(codes).size).toBeLessThanOrEqual(1);
    expect(codes.length).toBeGreaterThan(0);
  });
});

describe('less than was granted (RFC 9396 §6.1)', () => {
  const granted = [
    { ...transactions, actions: ['list_accounts', 'read_balances', 'read_transactions'] },
  ];

  test('a token may be for a part of it, and the refresh token goes on for all', async () => {
    const tokens = await connect(
      granted,
      { 'account-0': ['22289', '31820'] },
      asking({
        ...accounts,
        actions: ['read_balances'],
        accounts: ['31820'],
      }),
    );
    expect(tokens.authorization_details).toEqual([
      {
        type: 'account_information',
        actions: ['read_balances'],
        accounts: ['31820'],
        accessUntil: expect.any(String),
      },
    ]);
    expect((await readAll(tokens.access_token)).statuses).toEqual([403, 200, 403]);
    const { body } = await tpp.read(tokens.access_token, '/balances');
    expect(readRecord(body.Data).Balance).toMatchObject([{ AccountId: '31820' }]);
    const whole = await openid.refreshTokenGrant(tpp.configuration, tokens.refresh_token ?? '');
    expect((await readAll(whole.access_token)).statuses).toEqual([200, 200, 200]);
  });

  test.each([
    ['another account', { ...accounts, accounts: ['47751'] }],
    ['another action', { ...transactions, actions: ['read_balances', 'read_transactions'] }],
    [
      'a longer time',
      { ...accounts, actions: ['list_accounts'], accessUntil: '2099-01-01T00:00:00Z' },
    ],
    ['another type', payment],
  ])('%s is more, and refused', async (_what, more) => {
    const tokens = await connect([{ ...transactions }], { 'account-0': ['22289'] });
    await expect(
      openid.refreshTokenGrant(tpp.configuration, tokens.refresh_token ?? '', asking(more)),
    ).rejects.toMatchObject({ error: 'invalid_authorization_details' });
  });

  test('without a person there is nothing to grant', async () => {
    await expect(
      openid.clientCredentialsGrant(tpp.configuration, asking(accounts)),
    ).rejects.toMatchObject({ error: 'invalid_authorization_details' });
  });
});

describe('refused as soon as it is pushed', () => {
  const deep = JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) as unknown;

  test.each([
    ['an unknown type', [{ type: 'everything' }]],
    ['a type from the prototype', [{ type: 'constructor' }]],
    ['no type', [{ actions: ['list_accounts'] }]],
    ['an extra member', [{ ...accounts, admin: true }]],
    ['a missing member', [{ type: 'account_information' }]],
    ['no action', [{ ...accounts, actions: [] }]],
    ['an unknown action', [{ ...accounts, actions: ['delete_accounts'] }]],
    ['an action twice', [{ ...accounts, actions: ['list_accounts', 'list_accounts'] }]],
    ['a window without transactions', [{ ...accounts, transactionsFrom: '2026-01-01T00:00:00Z' }]],
    [
      'a window that ends before it begins',
      [
        {
          ...transactions,
          transactionsFrom: '2026-02-01T00:00:00Z',
          transactionsTo: '2026-01-01T00:00:00Z',
        },
      ],
    ],
    ['an end in the past', [{ ...accounts, accessUntil: '2020-01-01T00:00:00Z' }]],
    ['a date that is none', [{ ...accounts, accessUntil: 'tomorrow' }]],
    ['a location elsewhere', [{ ...accounts, locations: ['https://evil.example/'] }]],
    ['eleven details', Array.from({ length: 11 }, () => accounts)],
    ['nothing to pay', [{ ...payment, instructedAmount: { currency: 'GBP', amount: '0' } }]],
    [
      'a fraction of a penny',
      [{ ...payment, instructedAmount: { currency: 'GBP', amount: '1.005' } }],
    ],
    ['a payee that turns around', [{ ...payment, creditorName: 'Merchant\u202EA' }]],
    ['no payee', [{ ...payment, creditorAccount: undefined }]],
    ['no list', { ...accounts }],
    ['a text', 'all'],
    ['depth', [{ ...accounts, actions: deep }]],
  ])('%s', async (_what, details) => {
    await expect(
      tpp.push({ authorization_details: JSON.stringify(details) }),
    ).rejects.toMatchObject({
      error: expect.stringMatching(/^invalid_(authorization_details|request)$/),
    });
  });

  test('what is no JSON, a type the client is not registered for, and any type for one with none', async () => {
    await expect(tpp.push({ authorization_details: '[{' })).rejects.toMatchObject({
      error: 'invalid_authorization_details',
    });
    const reader = await openClient(bank, 'reader');
    await expect(reader.push(asking(payment))).rejects.toMatchObject({
      error: 'invalid_authorization_details',
    });
    const bare = await openClient(bank, 'bare');
    await expect(bare.push(asking(accounts))).rejects.toMatchObject({
      error: 'invalid_authorization_details',
    });
  });

  test('an intent beside them', async () => {
    const { claims } = await tpp.forNewIntent();
    const { url } = await openPerson(bank).open(await tpp.push({ claims, ...asking(accounts) }));
    expect(url.searchParams.get('error')).toBe('invalid_request');
  });
});

describe('untampered (ASVS 10.4.15)', () => {
  test('what a browser adds to a pushed request is not looked at', async () => {
    const url = new URL(await tpp.push({ ...asking(accounts), scope: 'openid' }));
    url.searchParams.set(
      'authorization_details',
      JSON.stringify([{ ...transactions, accounts: ['31820'] }, payment]),
    );
    let page = '';
    const person = openPerson(bank);
    await deciding({ 'account-0': '22289' }, ({ text }) => {
      page = text;
    })(person, await person.open(url.href));
    expect(page).not.toContain('Merchant A');
    expect(page).not.toContain('Amounts and dates');
  });

  test('a signed request is as good, and its signature covers them', async () => {
    const now = Math.floor(clock.now() / 1000);
    const claims = {
      ...{ iss: 'tpp', aud: bank.issuer, nbf: now, exp: now + 300, client_id: 'tpp' },
      ...{ response_type: 'code', ...tpp.request({ scope: 'openid' }) },
      authorization_details: [accounts],
    };
    const request = await keys.sign(claims);
    const push = (object: string) =>
      tpp.send(`${bank.configuration.mtlsUrl}/oidc/request`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          ...{ client_id: 'tpp', request: object },
          ...asking(transactions, payment),
        }).toString(),
      });
    const answer = await push(request);
    const { request_uri } = (await answer.json()) as { request_uri: string };
    const person = openPerson(bank);
    const query = new URLSearchParams({ client_id: 'tpp', request_uri });
    let page = '';
    await deciding({ 'account-0': '22289' }, ({ text }) => {
      page = text;
    })(person, await person.open(`/oidc/auth?${query}`));
    expect(page).toContain('How much is in each account');
    expect(page).not.toContain('Merchant A');
    const [head, , signature] = request.split('.');
    const changed = { ...claims, authorization_details: [transactions] };
    const payload = Buffer.from(JSON.stringify(changed)).toString('base64url');
    expect((await push(`${head}.${payload}.${signature}`)).status).toBe(400);
  });
});

test('SEC-42 a detail for one resource is not in a token for another', async () => {
  const own = `${bank.configuration.publicUrl}/`;
  const there = { ...accounts, locations: [cards] };
  const here = { ...transactions, locations: [own] };
  const parameters = new URLSearchParams({
    ...tpp.request({ ...asking(there, here), scope: 'openid' }),
    ...{ client_id: 'tpp', response_type: 'code' },
  });
  for (const resource of [own, cards]) parameters.append('resource', resource);
  const pushed = await tpp.send(`${bank.configuration.mtlsUrl}/oidc/request`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: parameters.toString(),
  });
  const { request_uri } = (await pushed.json()) as { request_uri: string };
  const person = openPerson(bank);
  const query = new URLSearchParams({ client_id: 'tpp', request_uri });
  const decision = { 'account-0': '22289', 'account-1': '22289' };
  const { url } = await deciding(decision)(person, await person.open(`/oidc/auth?${query}`));
  const tokens = await tpp.redeem(url);
  expect(tokens.authorization_details).toMatchObject([here]);
  const forCards = await openid.refreshTokenGrant(tpp.configuration, tokens.refresh_token ?? '', {
    resource: cards,
  });
  expect(forCards.authorization_details).toMatchObject([there]);
  expect((await tpp.read(tokens.access_token, '/balances')).status).toBe(403);
  expect((await tpp.read(forCards.access_token, '/balances')).status).toBe(401);
});

test('discovery names the types', async () => {
  const answer = await bank.fetch('/oidc/.well-known/openid-configuration');
  expect(await answer.json()).toMatchObject({ authorization_details_types_supported: types });
});
