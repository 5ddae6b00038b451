import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { intents } from '../../core/intent.js';
import { update } from '../../core/storage.js';
import { createDemoLedger } from '../../sandbox/bank/create-demo-ledger.js';
import { aisp, type BankApi, type Sharing, startBankApi } from './support/start-bank-api.js';

let bank: BankApi;

beforeAll(async () => {
  bank = await startBankApi((clock) => createDemoLedger({ clock }));
});
afterAll(() => bank.stop());

const everything = [
  'ReadAccountsDetail',
  'ReadBalances',
  'ReadTransactionsDetail',
  'ReadTransactionsCredits',
  'ReadTransactionsDebits',
] as const;

const amelia = (terms: Partial<Sharing['terms']> = {}, accountIds = ['22289', '31820']) =>
  bank.share({
    customerId: 'cust-5e1d0c27',
    accountIds,
    terms: { permissions: everything, ...terms },
  });

const priya = (terms: Partial<Sharing['terms']> = {}) =>
  bank.share({
    customerId: 'cust-c46f81a9',
    accountIds: ['60233'],
    terms: { permissions: everything, ...terms },
  });

interface Entry {
  TransactionId: string;
  AccountId: string;
  BookingDateTime: string;
  CreditDebitIndicator: string;
}

/** Follows Links.Next to the end. */
async function readAll(token: string, path: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const { body }: Response = await bank.get(token, next).expect(200);
    entries.push(...body.Data.Transaction);
    next = body.Links.Next?.slice(`https://bank.example${aisp}`.length);
  }
  return entries;
}

describe('accounts and balances', () => {
  test('show the chosen accounts and no other', async () => {
    const { token } = await amelia();
    const { body } = await bank.get(token, '/accounts').expect(200);
    expect(body).toEqual({
      Data: {
        Account: [
          {
            AccountId: '22289',
            Status: 'Enabled',
            Currency: 'GBP',
            AccountType: 'Personal',
            AccountSubType: 'CurrentAccount',
            Nickname: 'Everyday',
            Account: [
              { SchemeName: 'UK.OBIE.SortCodeAccountNumber', Identification: '99014231820447' },
            ],
          },
          expect.objectContaining({ AccountId: '31820', AccountSubType: 'Savings' }),
        ],
      },
      Links: { Self: `https://bank.example${aisp}/accounts` },
      Meta: { TotalPages: 1 },
    });
    const one = await bank.get(token, '/accounts/31820').expect(200);
    expect(one.body.Data.Account).toHaveLength(1);
    const balances = await bank.get(token, '/balances').expect(200);
    expect(balances.body.Data.Balance).toEqual(
      ['22289', '31820'].map((AccountId) => ({
        AccountId,
        CreditDebitIndicator: 'Credit',
        Type: 'InterimAvailable',
        DateTime: bank.now().toISOString(),
        Amount: { Amount: expect.stringMatching(/^\d+\.\d{2}$/), Currency: 'GBP' },
      })),
    );
  });

  test('say of an account that was not chosen what they say of one that does not exist', async () => {
    const { token } = await amelia();
    for (const resource of ['', '/balances', '/transactions']) {
      const hidden = await bank.get(token, `/accounts/47751${resource}`);
      const absent = await bank.get(token, `/accounts/1${resource}`);
      expect([hidden.status, absent.status]).toEqual([400, 400]);
      expect(hidden.body.Errors).toEqual(absent.body.Errors);
    }
  });

  test.each([
    ['JPY', '123456'],
    ['KWD', '123.456'],
  ])('an amount of %s has the decimals of its currency', async (currency, amount) => {
    const held = createDemoLedger({ clock: { now: () => 0 } });
    const foreign = await startBankApi(() => ({
      ...held,
      async accounts(customerId) {
        const found = await held.accounts(customerId);
        if ('refused' in found) return found;
        return found.map((account) => ({ ...account, currency, balance: -123_456 }));
      },
    }));
    const customerId = 'cust-5e1d0c27';
    const terms = { permissions: everything };
    const { token } = await foreign.share({ customerId, accountIds: ['22289'], terms });
    const { body } = await foreign.get(token, '/balances');
    await foreign.stop();
    expect(body.Data.Balance).toMatchObject([
      { CreditDebitIndicator: 'Debit', Amount: { Amount: amount, Currency: currency } },
    ]);
  });

  test('a card that is owed on is a debit without a sign', async () => {
    const { token } = await amelia({}, ['47751']);
    const { body } = await bank.get(token, '/accounts/47751/balances').expect(200);
    expect(body.Data.Balance[0]).toMatchObject({
      CreditDebitIndicator: 'Debit',
      Amount: { Amount: expect.stringMatching(/^\d+\.\d{2}$/) },
    });
  });
});

describe('the consent decides each call', () => {
  test('once it has expired, its token opens nothing', async () => {
    const later = new Date(bank.now().getTime() + 60_000).toISOString();
    const { token } = await amelia({ expiresAt: later });
    await bank.get(token, '/accounts').expect(200);
    bank.advance(60);
    for (const path of ['/accounts', '/balances', '/transactions', '/accounts/22289']) {
      const { body } = await bank.get(token, path).expect(401);
      expect(body.Errors[0].ErrorCode).toBe('UK.OBIE.Resource.InvalidConsentStatus');
    }
  });

  test('it is of no use to another client, another customer, or without a customer', async () => {
    const { intent, own } = await amelia();
    const subject = 'cust-5e1d0c27';
    const grantId = intent.id;
    for (const facts of [
      { clientId: 'other', subject, grantId },
      { subject: 'cust-c46f81a9', grantId },
      { grantId },
    ]) {
      await bank.get(bank.issue(facts), '/accounts').expect(401);
    }
    await bank.get(own, '/accounts').expect(403);
  });

  test('an account that the person took out disappears at once', async () => {
    const { intent, token } = await amelia();
    const stored = await bank.storage.get(intents, intent.id);
    if (!stored) throw new Error('the intent is gone');
    await bank.storage.commit([
      update(intents, stored, { ...stored.value, accountIds: ['31820'] }),
    ]);
    const { body } = await bank.get(token, '/accounts').expect(200);
    expect(body.Data.Account.map((account: Entry) => account.AccountId)).toEqual(['31820']);
  });

  test('a customer whose bank refuses shares nothing, even with a token', async () => {
    const { token } = await bank.share({
      customerId: 'cust-7d28e650',
      accountIds: ['22289'],
      terms: { permissions: everything },
    });
    await bank.get(token, '/accounts').expect(403);
  });
});

describe('transactions', () => {
  test('thousands come page by page, newest first, each once', async () => {
    const { token } = await priya();
    const entries = await readAll(token, '/accounts/60233/transactions');
    expect(entries.length).toBeGreaterThan(3_000);
    expect(new Set(entries.map((entry) => entry.TransactionId)).size).toBe(entries.length);
    const dates = entries.map((entry) => entry.BookingDateTime);
    expect(dates).toEqual(dates.toSorted().toReversed());
    expect(dates[0]?.localeCompare(bank.now().toISOString())).toBeLessThanOrEqual(0);
  });

  test('what is booked between two pages moves nothing', async () => {
    const { token } = await priya();
    const first = await bank.get(token, '/accounts/60233/transactions').expect(200);
    const whole = await readAll(token, '/accounts/60233/transactions');
    bank.advance(3 * 86_400);
    const next = first.body.Links.Next.slice(`https://bank.example${aisp}`.length);
    const second = await bank.get(token, next).expect(200);
    const ids = (entries: Entry[]) => entries.map((entry) => entry.TransactionId);
    expect(ids(second.body.Data.Transaction)).toEqual(ids(whole).slice(250, 500));
  });

  test('of several accounts come one account after the other', async () => {
    const { token } = await amelia();
    const all = await readAll(token, '/transactions');
    const everyday = await readAll(token, '/accounts/22289/transactions');
    const savings = await readAll(token, '/accounts/31820/transactions');
    expect(all).toEqual([...everyday, ...savings]);
  });

  test("stay inside the consent's window, however wide the filter is", async () => {
    const { token } = await priya({
      transactionFrom: '2026-01-01T00:00:00.000Z',
      transactionTo: '2026-01-31T23:59:59.000Z',
    });
    const wide = 'fromBookingDateTime=2020-01-01T00:00:00&toBookingDateTime=2030-01-01T00:00:00Z';
    for (const query of ['', wide]) {
      const entries = await readAll(token, `/transactions?${query}`);
      expect(entries.length).toBeGreaterThan(50);
      expect(
        entries.every(({ BookingDateTime: at }) => at >= '2026-01-01' && at < '2026-02-01'),
      ).toBe(true);
    }
    const narrow = await readAll(
      token,
      '/transactions?fromBookingDateTime=2026-01-10&toBookingDateTime=2026-01-11T23:59:59',
    );
    const days = new Set(narrow.map((entry) => entry.BookingDateTime.slice(0, 10)));
    expect([...days].every((day) => ['2026-01-10', '2026-01-11'].includes(day))).toBe(true);
    expect(narrow.length).toBeGreaterThan(0);
    const outside = await readAll(token, '/transactions?toBookingDateTime=2025-12-31T00:00:00');
    expect(outside).toEqual([]);
  });

  test.each([
    'fromBookingDateTime=yesterday',
    'fromBookingDateTime=2026-13-01T00:00:00',
    'toBookingDateTime=2026-01-01&toBookingDateTime=2026-01-02',
    'page=0',
    'page=1.5',
    'page=x',
    'page=1&page=2',
    'page=99999999999999999999',
  ])('with ?%s are refused', async (query) => {
    const { token } = await amelia();
    const { body } = await bank.get(token, `/transactions?${query}`).expect(400);
    expect(body.Errors[0].Path).toBe(query.split('=')[0]);
  });

  test('beyond the last page there is nothing, with a way back', async () => {
    const { token } = await amelia();
    const { body } = await bank.get(token, '/transactions?page=1000').expect(200);
    expect(body.Data.Transaction).toEqual([]);
    expect(body.Links.Next).toBeUndefined();
    expect(body.Links.Prev).toContain(`page=${body.Meta.TotalPages}`);
  });
});

test('nothing was our own fault', () => expect(bank.failures).toEqual([]));
