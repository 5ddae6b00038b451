import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { openPerson, readRecord, type Seen, startBank } from './support/start-bank.js';

const amelia = { login: 'amelia', password: 'harbour-lantern-42' };
const daniel = { login: 'daniel', password: 'copper-meadow-17' };

let bank: Awaited<ReturnType<typeof startBank>>;

beforeAll(async () => {
  bank = await startBank();
});
afterAll(() => bank.stop());

type Person = ReturnType<typeof openPerson>;

/** A person at the login page of a fresh visit. */
async function arrive(intentId: string): Promise<{ person: Person; page: Seen }> {
  const person = openPerson(bank);
  return { person, page: await person.open(await bank.tpp.authorizeUrl(intentId)) };
}

async function signIn(intentId: string, who: Record<string, string>) {
  const { person, page } = await arrive(intentId);
  return { person, page: await person.submit(page, 'login', who) };
}

/** The parameters with which the person came back to the client. */
function returned({ url }: Seen): Record<string, string> {
  expect(`${url.origin}${url.pathname}`).toBe('https://tpp.example/callback');
  return Object.fromEntries(url.searchParams);
}

async function connect(intentId: string, account: string[] = ['22289']) {
  const { person, page } = await signIn(intentId, amelia);
  const back = returned(await person.submit(page, 'accounts', { account, decision: 'allow' }));
  const { body } = await bank.tpp.redeem(back.code ?? '');
  return { tokens: body, accessToken: String(body.access_token), back };
}

async function accountIds(token: string): Promise<unknown[]> {
  const { body } = await bank.tpp.call(token, '/accounts');
  const { Account } = readRecord(body.Data);
  return Array.isArray(Account) ? Account.map((account) => readRecord(account).AccountId) : [];
}

describe('a visit that ends with access', () => {
  test('goes from login to accounts and back with a code, and shares only what was ticked', async () => {
    const intentId = await bank.tpp.register();
    const { person, page } = await arrive(intentId);
    expect(page.status).toBe(200);
    expect(page.text).toContain('Sign in to');
    expect(page.text).toContain('The tpp');
    const choice = await person.submit(page, 'login', amelia);
    for (const name of ['Everyday', 'Rainy day saver', 'Copper card']) {
      expect(choice.text).toContain(name);
    }
    expect(choice.text).not.toContain('31820447');
    // ReadAccountsDetail was asked for, and includes ReadAccountsBasic.
    expect(choice.text).toContain('The name, type and currency of each account');
    const back = returned(
      await person.submit(choice, 'accounts', { account: ['22289', '47751'], decision: 'allow' }),
    );
    expect(back).toEqual({
      code: expect.any(String),
      state: 'state-of-the-tpp',
      iss: bank.issuer,
    });
    expect(await bank.tpp.status(intentId)).toBe('Authorised');

    const { status, body } = await bank.tpp.redeem(back.code ?? '');
    expect(status).toBe(200);
    expect(decodeJwt(String(body.id_token))).toMatchObject({
      openbanking_intent_id: intentId,
      nonce: 'nonce-of-the-tpp',
    });
    expect(body.refresh_token).toEqual(expect.any(String));
    expect(await accountIds(String(body.access_token))).toEqual(['22289', '47751']);
  });

  test('keeps the intent and its id when the same customer authorises it again', async () => {
    const intentId = await bank.tpp.register();
    const first = await connect(intentId, ['22289']);
    const second = await connect(intentId, ['31820']);
    expect(await accountIds(second.accessToken)).toEqual(['31820']);
    expect(await accountIds(first.accessToken)).not.toContain('22289');
    expect(await bank.tpp.status(intentId)).toBe('Authorised');
  });

  test('marks a joint account with its other holder', async () => {
    const { page } = await signIn(await bank.tpp.register(), daniel);
    expect(page.text).toContain('Joint account with Grace Okafor');
  });

  test('withdrawing the intent ends access token and refresh token at once', async () => {
    const intentId = await bank.tpp.register();
    const { tokens, accessToken } = await connect(intentId);
    expect((await bank.tpp.call(accessToken, '/accounts')).status).toBe(200);
    expect((await bank.tpp.withdraw(intentId)).status).toBe(204);
    expect((await bank.tpp.call(accessToken, '/accounts')).status).toBe(401);
    const refreshed = await bank.tpp.refresh(String(tokens.refresh_token));
    expect([refreshed.status, refreshed.body.error]).toEqual([400, 'invalid_grant']);
  });

  test('its token is of no use without the certificate it is bound to', async () => {
    const { accessToken } = await connect(await bank.tpp.register());
    expect((await bank.rival.call(accessToken, '/accounts')).status).toBe(401);
    const bare = await bank.fetch('/open-banking/v3.1/aisp/accounts', {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    expect(bare.status).toBe(401);
  });

  test('its token comes in the header alone: beside one in the query it is refused (RFC 6750 §2)', async () => {
    const { accessToken } = await connect(await bank.tpp.register());
    for (const path of ['/accounts?access_token=', '/accounts/22289?access_token=']) {
      const twice = await bank.tpp.call(accessToken, `${path}${accessToken}`);
      expect(twice.status).toBe(400);
    }
    expect((await bank.tpp.call(accessToken, '/accounts')).status).toBe(200);
  });
});

describe('before anyone signs in', () => {
  test.each([
    ['an unknown intent', async () => 'd7f6a2f0-0000-4000-8000-000000000000'],
    ["another client's intent", () => bank.rival.register()],
    [
      'a withdrawn intent',
      async () => {
        const id = await bank.tpp.register();
        await bank.tpp.withdraw(id);
        return id;
      },
    ],
  ])('%s ends at the client with a standard error', async (_what, intent) => {
    const url = await bank.tpp.authorizeUrl(await intent());
    expect(returned(await openPerson(bank).open(url))).toEqual({
      error: 'invalid_request',
      error_description: expect.stringContaining('openbanking_intent_id'),
      state: 'state-of-the-tpp',
      iss: bank.issuer,
    });
  });

  test('a request without scope accounts ends at the client', async () => {
    const url = await bank.tpp.authorizeUrl(await bank.tpp.register(), 'openid');
    expect(returned(await openPerson(bank).open(url))).toMatchObject({ error: 'invalid_scope' });
  });
});

describe('signing in', () => {
  test('says the same of a wrong password and an unknown login', async () => {
    const { person, page } = await arrive(await bank.tpp.register());
    const wrong = await person.submit(page, 'login', { ...daniel, password: 'guess' });
    const unknown = await person.submit(page, 'login', { login: 'nemo', password: 'guess' });
    expect([wrong.status, unknown.status]).toEqual([401, 401]);
    expect(unknown.text.replaceAll('nemo', 'daniel')).toBe(wrong.text.replaceAll('nemo', 'daniel'));
    const empty = await person.submit(page, 'login', { login: ' ', password: '' });
    expect(empty.status).toBe(400);
  });

  test('stops guessing after five, for the right password too, whoever asks', async () => {
    for (const login of ['priya', 'nobody-banks-here']) {
      const { person, page } = await arrive(await bank.tpp.register());
      const guesses = Array.from({ length: 12 }, (_, index) =>
        person.submit(page, 'login', { login, password: `guess ${index}` }),
      );
      const statuses = (await Promise.all(guesses)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(5);
      expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(7);
      const elsewhere = await arrive(await bank.tpp.register());
      for (let spent = 0; spent < 6; spent += 1) {
        await elsewhere.person.submit(elsewhere.page, 'login', { login, password: 'guess' });
      }
      const right = { login, password: 'silver-junction-63' };
      const refused = await elsewhere.person.submit(elsewhere.page, 'login', right);
      expect(refused.status).toBe(429);
    }
  });

  test('a success gives the attempts back', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { person, page } = await arrive(await bank.tpp.register());
      for (let guess = 0; guess < 3; guess += 1) {
        const wrong = await person.submit(page, 'login', { ...daniel, password: 'guess' });
        expect(wrong.status).toBe(401);
      }
      expect((await person.submit(page, 'login', daniel)).status).toBe(200);
    }
  });

  test('by another customer than the one it belongs to ends at the client', async () => {
    const intentId = await bank.tpp.register();
    const { accessToken } = await connect(intentId);
    const { page } = await signIn(intentId, daniel);
    expect(returned(page)).toMatchObject({ error: 'access_denied', state: 'state-of-the-tpp' });
    expect(await bank.tpp.status(intentId)).toBe('Authorised');
    expect(await accountIds(accessToken)).toEqual(['22289']);
  });
});

describe('a visit that ends without access', () => {
  test.each(['login', 'accounts'])('by cancelling at the %s page', async (step) => {
    const intentId = await bank.tpp.register();
    const { person, page } = await arrive(intentId);
    const back =
      step === 'login'
        ? await person.submit(page, 'cancel')
        : await person.submit(await person.submit(page, 'login', amelia), 'accounts', {
            account: ['22289'],
            decision: 'refuse',
          });
    expect(returned(back)).toEqual({
      error: 'access_denied',
      error_description: expect.any(String),
      state: 'state-of-the-tpp',
      iss: bank.issuer,
    });
    expect(await bank.tpp.status(intentId)).toBe('Rejected');
  });

  test('cancelling a second authorisation leaves the first in force', async () => {
    const intentId = await bank.tpp.register();
    const { accessToken } = await connect(intentId);
    const { person, page } = await arrive(intentId);
    expect(returned(await person.submit(page, 'cancel'))).toMatchObject({ error: 'access_denied' });
    expect(await accountIds(accessToken)).toEqual(['22289']);
  });

  test('a customer without accounts is told so, and goes back', async () => {
    const who = { login: 'noah', password: 'quiet-orchard-08' };
    const { person, page } = await signIn(await bank.tpp.register(), who);
    expect(page.text).toContain('You have no accounts to share');
    const back = await person.submit(page, 'accounts', { decision: 'refuse' });
    expect(returned(back)).toMatchObject({ error: 'access_denied' });
  });

  test('a customer whose bank refuses reads why, and goes back', async () => {
    const intentId = await bank.tpp.register();
    const who = { login: 'george', password: 'amber-railway-29' };
    const { person, page } = await signIn(intentId, who);
    expect(page.text).toContain('Online sharing is switched off');
    expect(returned(await person.submit(page, 'cancel'))).toMatchObject({ error: 'access_denied' });
    expect(await bank.tpp.status(intentId)).toBe('Rejected');
  });
});

describe('reloads, tabs and hostile forms', () => {
  test('every page stands at one address, and a late tab goes on where the person is', async () => {
    const ExpirationDateTime = '2099-01-01T00:00:00Z';
    const intentId = await bank.tpp.register({ ExpirationDateTime });
    const { person, page } = await arrive(intentId);
    const path = page.url.pathname;
    expect((await person.open(path)).text).toBe(page.text);
    const choice = await person.submit(page, 'login', amelia);
    expect(choice.url.pathname).toBe(path);
    expect((await person.open(path)).text).toBe(choice.text);
    for (const step of ['login', 'accounts', 'cancel']) {
      expect((await person.open(`${path}/${step}`)).text).toBe(choice.text);
    }
    const secondTab = await person.submit(page, 'login', amelia);
    expect(secondTab.text).toBe(choice.text);
    const nothing = await person.submit(choice, 'accounts', { decision: 'allow' });
    expect(nothing.status).toBe(400);
    expect(nothing.text).toContain('Choose at least one account');
    const foreign = { account: ['60233', '1', ''], decision: 'allow' };
    expect((await person.submit(choice, 'accounts', foreign)).status).toBe(400);
    const ticked = { account: ['22289', '60233'], decision: 'allow' };
    const back = returned(await person.submit(choice, 'accounts', ticked));
    const { body } = await bank.tpp.redeem(back.code ?? '');
    expect(await accountIds(String(body.access_token))).toEqual(['22289']);
    const again = await person.submit(choice, 'accounts', ticked);
    expect(again.status).toBe(400);
    expect(again.text).toContain('no longer valid');
  });

  test('two tabs that agree at once give one code', async () => {
    const { person, page } = await signIn(await bank.tpp.register(), amelia);
    const agree = { account: ['22289'], decision: 'allow' };
    const ends = await Promise.all([
      person.submit(page, 'accounts', agree),
      person.submit(page, 'accounts', agree),
    ]);
    const codes = ends.map(({ url }) => url.searchParams.get('code')).filter(Boolean);
    expect(codes).toHaveLength(1);
    expect((await bank.tpp.redeem(codes[0] ?? '')).status).toBe(200);
  });

  test('a form without the token of its page changes nothing', async () => {
    const intentId = await bank.tpp.register();
    const { person, page } = await signIn(intentId, amelia);
    for (const csrf of ['', 'x', 'A'.repeat(43)]) {
      const forged = { csrf, account: ['22289'], decision: 'allow' };
      const answer = await person.open(`${page.url.pathname}/accounts`, forged);
      expect(answer.status).toBe(403);
    }
    expect(await bank.tpp.status(intentId)).toBe('AwaitingAuthorisation');
  });

  test('what goes wrong is told on a page of the bank, which has just asked for its password', async () => {
    const intentId = await bank.tpp.register();
    const address = await bank.tpp.authorizeUrl(intentId);
    const person = openPerson(bank);
    const page = await person.open(address);
    const choice = await person.submit(page, 'login', amelia);
    await person.submit(choice, 'accounts', { account: '22289', decision: 'allow' });
    const html = { headers: { accept: 'text/html' } };
    const shown = [
      await person.open(page.url.pathname),
      await openPerson(bank).open(page.url.pathname),
      await person.open(`${page.url.pathname}/accounts`, { decision: 'allow' }),
      await bank.fetch(address, html),
      await bank.fetch('/oidc/auth?client_id=tpp&request_uri=none', html),
    ];
    for (const answer of shown) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      const text = typeof answer.text === 'string' ? answer.text : await answer.text();
      expect(text).toContain('– Northbank</title>');
      expect(text).toContain('Only enter your password on Northbank’s own pages.');
      expect(text).not.toContain('Assent');
    }
  });

  test("another person's browser cannot open the visit", async () => {
    const { page } = await arrive(await bank.tpp.register());
    expect((await openPerson(bank).open(page.url.pathname)).status).toBe(400);
  });

  test('an intent that is withdrawn in the middle ends at the client', async () => {
    const intentId = await bank.tpp.register();
    const { person, page } = await signIn(intentId, amelia);
    await bank.tpp.withdraw(intentId);
    const agree = { account: ['22289'], decision: 'allow' };
    expect(returned(await person.submit(page, 'accounts', agree))).toMatchObject({
      error: 'invalid_request',
    });
  });
});
